"""Let ``python -m florentin_webhooks`` be the command line."""

from florentin_webhooks.cli import main

if __name__ == "__main__":
    main(prog_name="python -m florentin_webhooks")

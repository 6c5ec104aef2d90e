"""The command line as ``python -m florentin_webhooks``."""

from florentin_webhooks.cli import main

if __name__ == "__main__":
    main(prog_name="python -m florentin_webhooks")

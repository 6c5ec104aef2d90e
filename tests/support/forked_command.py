"""``florentin-webhooks`` for a shell, as a fork: ``python -IS forked_command.py SOCKET WORDS``."""

import json
import os
import socket
import sys


def main() -> None:
    """Send the words, with the streams of this process, and exit as the program does."""
    request = [sys.argv[2:], os.getcwd(), dict(os.environ)]  # noqa: PTH109 - fewer imports
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[1])
        data = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(connection, [data], [0, 1, 2])
        connection.sendall(data[sent:])
        with connection.makefile() as lines:
            _, code = (int(line) for line in lines)
    sys.exit(code)


if __name__ == "__main__":
    main()

"""Wait until a web server answers, whatever it says: `await_answer.py URL [SECONDS]`; exit 1 where it does not in time.

A 503 while Redis is away is an answer, and so is a redirect to TLS; an error 500 is none.
"""

import http.client
import sys
import time
from urllib.parse import urlsplit

NAP_SECONDS = 0.1


def answers(host: str, port: int, path: str) -> bool:
    """Return whether the server at the address has an answer of its own."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status != http.client.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main(url: str, seconds: str = "45") -> int:
    address = urlsplit(url)
    deadline = time.monotonic() + float(seconds)
    while not answers(address.hostname or "127.0.0.1", address.port or 80, address.path or "/"):
        if time.monotonic() >= deadline:
            sys.stderr.write(
                f"No answer from {url} within {seconds} s: see the web server's own lines in the journal.\n"
            )
            return 1
        time.sleep(NAP_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

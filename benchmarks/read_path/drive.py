"""Calls a WSGI application a number of times in this process: what `instructions.py` counts.

`python -m benchmarks.read_path.drive MODULE QUERY CALLS`
"""

import importlib
import sys
from wsgiref.util import setup_testing_defaults

from benchmarks.read_path.peers import PATH


def main() -> None:
    module, query, calls = sys.argv[1:]
    application = importlib.import_module(module).application
    environ: dict[str, object] = {"PATH_INFO": PATH, "QUERY_STRING": query, "HTTP_HOST": "127.0.0.1"}
    setup_testing_defaults(environ)

    def start_response(status: str, headers: list[tuple[str, str]], error: object = None) -> None:
        if not status.startswith("200"):
            sys.exit(f"{module} answered {status}")

    for _ in range(int(calls)):
        response = application(environ.copy(), start_response)
        for _ in response:
            pass
        if hasattr(response, "close"):
            response.close()


if __name__ == "__main__":
    main()

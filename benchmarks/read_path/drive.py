"""Calls a WSGI application a number of times in this process: what `instructions.py` counts.

`python -m benchmarks.read_path.drive MODULE QUERY CALLS`. For the application half a millisecond passes from one look
at a clock to the next, however slow the machine that counts: what it does by the clock falls on as many calls in every
run.
"""

import importlib
import sys
import time
from functools import partial
from itertools import count
from wsgiref.util import setup_testing_defaults

from benchmarks.read_path.peers import PATH

_STEP_NS = 500_000


def let_time_pass_by_looks() -> None:
    """Replace the clocks by ones that move on at each look, by half a millisecond, and by 5 µs where time is taken."""
    time.time_ns = partial(next, count(time.time_ns(), _STEP_NS))  # type: ignore[assignment]
    time.monotonic = partial(next, count(time.monotonic(), _STEP_NS / 1e9))  # type: ignore[assignment]
    time.perf_counter = partial(next, count(0.0, 5e-6))  # type: ignore[assignment]


def main() -> None:
    module, query, calls = sys.argv[1:]
    let_time_pass_by_looks()
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

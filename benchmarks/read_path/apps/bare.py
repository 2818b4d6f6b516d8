"""The least that a WSGI server can be asked to serve: the same bytes each time."""

import os
from pathlib import Path

_BODY = Path(os.environ["BENCH_BODY"]).read_bytes()
_HEADERS = [("Content-Type", "application/json"), ("Content-Length", str(len(_BODY)))]


def application(environ, start_response):
    start_response("200 OK", _HEADERS)
    return [_BODY]

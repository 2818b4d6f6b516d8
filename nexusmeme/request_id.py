"""The id under which a request stands in the log: the one that a proxy gave it, else one of our own."""

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

_current: ContextVar[str | None] = ContextVar("request_id", default=None)
_ACCEPTED = re.compile(r"[A-Za-z0-9_-]{8,64}")


def current_request_id() -> str | None:
    """Return the id of the request that this thread works on, or None."""
    return _current.get()


class RequestId:
    """Remembers the id of `X-Request-ID` while the request is answered; what looks like no id is not taken."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        token = _current.set(given if _ACCEPTED.fullmatch(given) else uuid.uuid4().hex)
        try:
            return self._get_response(request)
        finally:
            _current.reset(token)

"""A layer of WSGI in front of Django that answers the plain successful GETs of `prices`, and hands on all the rest.

`application = PricesLayer(get_wsgi_application())`. An answer is that of the view, header for header: both come from
`prices_answer`, and what middleware adds is learned from Django, per host and scheme. So it is Django that decides
which hosts are served and what is redirected, and whoever comes with a cookie is Django's guest. Middleware that
treats readers each in their own way without a word in `Vary`, by their address for example, does not see the requests
that are answered here: leave the layer out then.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings as django_settings
from django.urls import get_script_prefix, reverse

from market_data.api.middleware_headers import LearnedHeaders, MiddlewareHeaders, added_headers
from market_data.api.prices import PairsNotInSnapshotError, prices_answer
from market_data.api.response import TIME_HEADER, Answer
from market_data.conf.loading import get_settings
from market_data.metrics.tallies import open_served_tallies
from market_data.ticker_cache.snapshot import PriceSnapshot, open_price_snapshots

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

URL_NAME = "market_data:prices"
_ENDPOINT = "prices"
_STATUS_LINES = {status: f"{status} {HTTPStatus(status).phrase}" for status in (200, 206, 304)}
_LONGEST_KIND = 1024

Front = tuple[str | None, ...]
"""What of a request, beside its question, decides which headers Django's middleware adds."""
Kind = tuple[int, Front]
"""The same, and the answer's status."""
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReadyAnswer:
    """An answer with what middleware adds, in the parts that WSGI wants; but for the time, right in its span."""

    status: int
    status_line: str
    before_time: Headers
    after_time: Headers
    body: bytes
    varying: tuple[str, ...]
    oldest_at_ms: int | None
    from_ms: int
    until_ms: int

    @property
    def size_bytes(self) -> int:
        return len(self.body) + sum(len(name) + len(value) for name, value in self.before_time + self.after_time)

    @classmethod
    def of(cls, answer: Answer, learned: LearnedHeaders) -> Self:
        """Put together the answer, whose headers end with time and `Vary`, and what is learned, from `Vary` on."""
        return cls(
            answer.status,
            _STATUS_LINES[answer.status],
            tuple(answer.headers[:-2]),
            learned.after,
            answer.body,
            learned.varying,
            answer.oldest_at_ms,
            max(answer.from_ms, learned.from_ms),
            min(answer.until_ms, learned.until_ms - 1),
        )


class PricesLayer:
    """The application that it wraps, with a short cut to one of its addresses."""

    def __init__(self, application: "WSGIApplication", url_name: str = URL_NAME) -> None:
        self._application = application
        self._path = "/" + reverse(url_name).removeprefix(get_script_prefix())  # as PATH_INFO, without SCRIPT_NAME
        self._more_names = _more_names()
        self._learned = MiddlewareHeaders()
        self._note_answer = open_served_tallies().note_answer

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        # Whoever says who he is, by cookie or otherwise, may get headers that nobody else gets.
        if (
            environ.get("PATH_INFO") != self._path
            or environ["REQUEST_METHOD"] != "GET"
            or "HTTP_COOKIE" in environ
            or "HTTP_AUTHORIZATION" in environ
            or "HTTP_HOST" not in environ
        ):
            return self._application(environ, start_response)
        began_at = perf_counter()
        snapshot, now_ms = open_price_snapshots().current()
        get = environ.get
        front: Front = environ["HTTP_HOST"], get("HTTP_ACCEPT_ENCODING"), get("SCRIPT_NAME"), get("wsgi.url_scheme")
        if self._more_names:
            front += tuple(map(get, self._more_names))
        key = self, get("QUERY_STRING"), get("HTTP_IF_NONE_MATCH"), front  # another layer wraps other middleware
        ready: ReadyAnswer | None = snapshot.memo.get(key)
        if ready is None or not ready.from_ms <= now_ms <= ready.until_ms:
            answer = _answer(environ, snapshot, now_ms)
            if answer is None:
                return self._application(environ, start_response)
            kind = answer.status, front
            learned = self._learned.of(kind, now_ms)
            if learned is None:
                return self._observed(environ, start_response, kind)
            ready = ReadyAnswer.of(answer, learned)
            snapshot.memo.keep(key, ready, ready.size_bytes + len(repr(key[1:])))
        for name in ready.varying:
            if name in environ:
                return self._application(environ, start_response)
        start_response(ready.status_line, [*ready.before_time, (TIME_HEADER, str(now_ms)), *ready.after_time])
        age_ms = None if ready.oldest_at_ms is None else abs(now_ms - ready.oldest_at_ms)
        self._note_answer(_ENDPOINT, ready.status, perf_counter() - began_at, age_ms)
        return [ready.body]  # a list: granian sends it as it is, and iterates over all else

    def _observed(self, environ: "WSGIEnvironment", start_response: "StartResponse", kind: Kind) -> Iterable[bytes]:
        """Let Django answer, and learn what its middleware adds."""
        sent: list[tuple[int, list[tuple[str, str]]]] = []

        def observing(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            sent.append((int(status[:3]), headers))
            return start_response(status, headers, *error)

        response = self._application(environ, observing)
        body = getattr(response, "content", None)  # Django's response is what WSGI iterates over
        if body is not None and len(sent) == 1 and sent[0][0] == kind[0]:
            status, headers = sent[0]
            self._learn(environ, kind, Answer(status, body, headers))
        return response

    def _learn(self, environ: "WSGIEnvironment", kind: Kind, django_s: Answer) -> None:
        now = dict(django_s.headers).get(TIME_HEADER, "")
        if not now.isdigit() or sum(len(str(part)) for part in kind) > _LONGEST_KIND:
            return
        snapshot, _ = open_price_snapshots().current()
        own = _answer(environ, snapshot, int(now))
        added = added_headers(own, django_s) if own else None
        if added and not any(name in environ for name in added.varying):
            self._learned.learn(kind, added, int(now))


def _answer(environ: "WSGIEnvironment", snapshot: PriceSnapshot, now_ms: int) -> Answer | None:
    """Return the successful answer out of the snapshot, None where there is none."""
    try:
        answer = prices_answer(
            environ.get("QUERY_STRING", ""),
            snapshot,
            now_ms,
            environ.get("HTTP_IF_NONE_MATCH"),
            environ.get("HTTP_ACCEPT_ENCODING"),
            get_settings(),
        )
    except PairsNotInSnapshotError:
        return None
    return answer if answer.status in _STATUS_LINES else None


def _more_names() -> tuple[str, ...]:
    """Return what else of a request decides before any view whether and how Django serves it."""
    names = []
    if django_settings.SECURE_PROXY_SSL_HEADER:
        names.append(django_settings.SECURE_PROXY_SSL_HEADER[0])
    if django_settings.USE_X_FORWARDED_HOST:
        names.append("HTTP_X_FORWARDED_HOST")
    if django_settings.USE_X_FORWARDED_PORT:
        names.append("HTTP_X_FORWARDED_PORT")
    if django_settings.DISALLOWED_USER_AGENTS:
        names.append("HTTP_USER_AGENT")
    return tuple(names)

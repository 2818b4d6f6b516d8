"""A layer of WSGI in front of Django that answers the plain GETs of `prices`, and hands on all the rest.

`application = PricesLayer(get_wsgi_application())`. Its responses are those of the view, header for header, for both
send what `prices_response` returns; headers that a project's own middleware would add are not on the layer's responses.
Whatever it is not sure of is Django's: hosts that are not allowed, plain HTTP where HTTPS is demanded, readers who say
who they are, conditions other than `If-None-Match`. Middleware that treats readers each in their own way, by their
address for example, does not see the requests that are answered here: leave the layer out then.
"""

from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING

from django.conf import settings as django_settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse

from market_data.api.counters import open_counters
from market_data.api.prices import prices_response
from market_data.conf.loading import get_settings
from market_data.ticker_cache.snapshot import open_price_snapshots

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

URL_NAME = "market_data:prices"
_ENDPOINT = "prices"
_STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_LONGEST_HOST = 255
_SECURITY_MIDDLEWARE = "django.middleware.security.SecurityMiddleware"


class PricesLayer:
    """The application that it wraps, with a short cut to one of its addresses."""

    def __init__(self, application: "WSGIApplication", url_name: str = URL_NAME) -> None:
        self._application = application
        self._path = "/" + reverse(url_name).removeprefix(get_script_prefix())  # as PATH_INFO, without SCRIPT_NAME
        self._decisive = tuple(_decisive_headers())
        self._is_host_served = lru_cache(maxsize=256)(_is_host_served)
        self._is_https_only = django_settings.SECURE_SSL_REDIRECT
        self._over_https = _headers_over_https()
        self._count = open_counters().count

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        get = environ.get
        host = get("HTTP_HOST", "")
        if (
            get("PATH_INFO") != self._path
            or environ["REQUEST_METHOD"] != "GET"
            or "HTTP_COOKIE" in environ  # who says who he is may get what nobody else gets
            or "HTTP_AUTHORIZATION" in environ
            or "HTTP_RANGE" in environ  # middleware may answer conditions with 206 or 412
            or "HTTP_IF_MATCH" in environ
            or "HTTP_IF_UNMODIFIED_SINCE" in environ
            or (self._decisive and not environ.keys().isdisjoint(self._decisive))
            or len(host) > _LONGEST_HOST
            or not self._is_host_served(host)
            or (self._is_https_only and not _is_secure(environ))
        ):
            return self._application(environ, start_response)
        began_at = perf_counter()
        snapshot, now_ms = open_price_snapshots().current()
        response = prices_response(
            get("QUERY_STRING", ""),
            snapshot,
            now_ms,
            get("HTTP_IF_NONE_MATCH"),
            get("HTTP_ACCEPT_ENCODING"),
            get_settings(),
        )
        headers = response.headers_at(now_ms)
        if self._over_https and _is_secure(environ):
            headers += self._over_https
        start_response(_STATUS_LINES[response.status], headers)
        age_ms = None if response.oldest_at_ms is None else max(0, now_ms - response.oldest_at_ms)
        self._count(_ENDPOINT, response.status, perf_counter() - began_at, age_ms)
        return [response.body]  # a list: granian sends it as it is, and iterates over all else


def _decisive_headers() -> Iterable[str]:
    """Yield the headers by which this project decides before any view whether it serves a request."""
    if django_settings.USE_X_FORWARDED_HOST:
        yield "HTTP_X_FORWARDED_HOST"
    if django_settings.DISALLOWED_USER_AGENTS:
        yield "HTTP_USER_AGENT"


def _is_host_served(host: str) -> bool:
    request = HttpRequest()
    request.META["HTTP_HOST"] = host
    try:
        request.get_host()
    except DisallowedHost:
        return False
    return not django_settings.PREPEND_WWW or host.startswith("www.")


def _is_secure(environ: "WSGIEnvironment") -> bool:
    """Tell what `HttpRequest.is_secure` would."""
    if django_settings.SECURE_PROXY_SSL_HEADER:
        name, secure = django_settings.SECURE_PROXY_SSL_HEADER
        told: str | None = environ.get(name)
        if told is not None:
            return told.partition(",")[0].strip() == secure
    return bool(environ.get("wsgi.url_scheme") == "https")


def _headers_over_https() -> list[tuple[str, str]]:
    """Return what `SecurityMiddleware` adds to every response over HTTPS."""
    if not django_settings.SECURE_HSTS_SECONDS or _SECURITY_MIDDLEWARE not in django_settings.MIDDLEWARE:
        return []
    policy = f"max-age={django_settings.SECURE_HSTS_SECONDS}"
    policy += "; includeSubDomains" if django_settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
    policy += "; preload" if django_settings.SECURE_HSTS_PRELOAD else ""
    return [("Strict-Transport-Security", policy)]

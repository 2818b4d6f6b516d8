"""What an HTTP response of the API is, and the headers that all of them share. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Self

from msgspec import Struct, structs

from market_data.api.compression import WORTHWHILE_BYTES, compressed
from market_data.ticker.source import Source

Headers = tuple[tuple[str, str], ...]

TIME_HEADER = "X-Market-Data-Time"
SOURCE_HEADER = "X-Market-Data-Source"
MISSING_HEADER = "X-Market-Data-Missing"
NEVER_STORE = "no-store"
SHARED_LIFE_MS = 1_000
STORE_FOR_ONE_SECOND = f"public, max-age=0, s-maxage={SHARED_LIFE_MS // 1000}"
"""A shared cache may keep a response for that long; a browser asks again."""
JSON_TYPE = "application/json; charset=utf-8"

OPEN_TO_ANY_PAGE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"Age, Date, Retry-After, {TIME_HEADER}, {SOURCE_HEADER}, {MISSING_HEADER}",
}
"""For pages of other hosts: there is nothing here that a reader without a password could not read anyway."""
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""What a document of JSON needs. Django's own middleware leaves alone what is there, so it adds nothing to these."""
API_HEADERS: Headers = (*OPEN_TO_ANY_PAGE.items(), *SECURITY_HEADERS.items())


class Response(Struct, frozen=True):
    """Status, body and headers of an HTTP response, all but the time, which is that of the sending.

    `oldest_at_ms` is received at, Unix ms, of the oldest price in it, None where it has none.
    """

    status: int
    body: bytes
    headers: Headers
    oldest_at_ms: int | None = None

    @classmethod
    def of(cls, status: int, body: bytes, own_headers: Mapping[str, str], oldest_at_ms: int | None = None) -> Self:
        """Return a response of JSON text, with the headers that every response has behind its own."""
        length = "Content-Length", str(len(body))
        return cls(
            status, body, (("Content-Type", JSON_TYPE), *own_headers.items(), *API_HEADERS, length), oldest_at_ms
        )

    def headers_at(self, now_ms: int) -> list[tuple[str, str]]:
        """Return all headers of the response that is sent at `now_ms`, Unix ms."""
        return [*self.headers, (TIME_HEADER, str(now_ms))]

    def naming(self, source: Source | None) -> Self:
        """Return the response with the source of the prices in its headers, if that is known."""
        named = source_header(source)
        return structs.replace(self, headers=(*self.headers, *named.items())) if named else self

    def not_modified(self) -> Self:
        """Return the 304 that stands for this response.

        Its length is that of what it stands for (RFC 9110, 8.6); without one, middleware would write 0.
        """
        headers = tuple((name, value) for name, value in self.headers if name != "Content-Encoding")
        return structs.replace(self, status=304, body=b"", headers=headers, oldest_at_ms=None)


class PreparedResponse(Struct, frozen=True):
    """A successful response with its entity tag, worked out once for all who ask the same.

    It is right from `from_ms` to `until_ms` (Unix ms), both included.
    """

    whole: Response
    not_modified: Response
    etag: str
    from_ms: int
    until_ms: int

    @classmethod
    def of(
        cls,
        status: int,
        body: bytes,
        own_headers: Mapping[str, str],
        *,
        oldest_at_ms: int | None = None,
        span_ms: tuple[int, int] = (0, 0),
        may_compress: bool = False,
    ) -> Self:
        """Return it with its body compressed where that is allowed and worth it."""
        etag = etag_of(body)
        headers = {**own_headers, "ETag": etag}
        if may_compress and len(body) > WORTHWHILE_BYTES:
            # Other bytes need another strong tag (RFC 9110, 8.8.3)
            body, etag = compressed(body), f'{etag[:-1]}-gzip"'
            headers |= {"ETag": etag, "Content-Encoding": "gzip"}
        whole = Response.of(status, body, headers, oldest_at_ms)
        return cls(whole, whole.not_modified(), etag, *span_ms)

    @property
    def size_bytes(self) -> int:
        return len(self.whole.body) + sum(len(name) + len(value) for name, value in self.whole.headers)

    def for_reader(self, if_none_match: str | None) -> Response:
        """Return the 304 to a reader whose `If-None-Match` names the tag, the whole to others."""
        return self.not_modified if etag_matches(self.etag, if_none_match) else self.whole


def json_response(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response that no cache may store."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Response.of(status, body, {"Cache-Control": NEVER_STORE, **(headers or {})})


def error_response(status: int, error: str, message: str) -> Response:
    """Return the error body that every endpoint uses."""
    return json_response(status, {"error": error, "message": message})


def source_header(source: Source | None) -> dict[str, str]:
    """Return the header that names the source of the prices, none while it is unknown."""
    return {} if source is None else {SOURCE_HEADER: source.value}


def etag_of(body: bytes) -> str:
    """Return a strong entity tag: the same bytes have the same tag in every process."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def etag_matches(etag: str, if_none_match: str | None) -> bool:
    """Tell whether `If-None-Match` names this tag, by the weak comparison of RFC 9110."""
    if if_none_match is None:
        return False
    if if_none_match == etag:
        return True
    names = (name.strip().removeprefix("W/") for name in if_none_match.split(","))
    return any(name in ("*", etag) for name in names)

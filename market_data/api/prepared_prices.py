"""A successful answer to one query out of one snapshot, worked out once for all who ask the same. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

from market_data.api.compression import WORTHWHILE_BYTES, compressed
from market_data.api.response import (
    JSON_TYPE,
    MISSING_HEADER,
    NEVER_STORE,
    OPEN_TO_ANY_PAGE,
    SOURCE_HEADER,
    STORE_FOR_ONE_SECOND,
    etag_of,
)
from market_data.ticker.source import Source

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PreparedPrices:
    """Status, body and headers but for the time, right from `from_ms` to `until_ms` (Unix ms), both included.

    `oldest_at_ms` is received at of the oldest price in it.
    """

    status: int
    body: bytes
    etag: str
    headers: Headers
    not_modified_headers: Headers
    from_ms: int
    until_ms: int
    oldest_at_ms: int | None

    @property
    def size_bytes(self) -> int:
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers)

    @classmethod
    def of(
        cls,
        records: Sequence[tuple[str, bytes]],
        missing: Sequence[str],
        source: Source | None,
        span_ms: tuple[int, int],
        oldest_at_ms: int | None,
        *,
        is_storable: bool,
        may_compress: bool,
    ) -> Self:
        """Join records as they lie in the cache; `missing` are the pairs that have none.

        `is_storable` allows shared caches to keep the answer for a while.
        """
        body = b"{%s}" % b",".join([b'"%s":%s' % (pair.encode(), raw) for pair, raw in records])
        etag = etag_of(body)
        encoding: Headers = ()
        if may_compress and len(body) > WORTHWHILE_BYTES:
            # Other bytes need another strong tag (RFC 9110, 8.8.3).
            body, etag, encoding = compressed(body), f'{etag[:-1]}-gzip"', (("Content-Encoding", "gzip"),)
        shared: Headers = (
            JSON_TYPE,
            ("ETag", etag),
            ("Cache-Control", STORE_FOR_ONE_SECOND if is_storable else NEVER_STORE),
            *(((MISSING_HEADER, ",".join(quote(pair, safe="") for pair in missing)),) if missing else ()),
            *(((SOURCE_HEADER, source.value),) if source else ()),
            *OPEN_TO_ANY_PAGE.items(),
        )
        # That of a 304 is the length of what it stands for, or it has none (RFC 9110, 8.6): middleware would write 0.
        length = ("Content-Length", str(len(body)))
        status, headers, not_modified = 206 if missing else 200, (*shared, *encoding, length), (*shared, length)
        return cls(status, body, etag, headers, not_modified, *span_ms, oldest_at_ms)

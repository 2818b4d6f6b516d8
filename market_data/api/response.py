"""What an answer of the API is, and the headers that all of them share. Pure."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

TIME_HEADER = "X-Market-Data-Time"
SOURCE_HEADER = "X-Market-Data-Source"
MISSING_HEADER = "X-Market-Data-Missing"
NEVER_STORE = "no-store"
OPEN_TO_ANY_PAGE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": f"Age, Date, Retry-After, {TIME_HEADER}, {SOURCE_HEADER}, {MISSING_HEADER}",
}
"""For pages of other hosts: there is nothing here that a reader without a password could not read anyway."""

SHARED_LIFE_MS = 1_000
STORE_FOR_ONE_SECOND = f"public, max-age=0, s-maxage={SHARED_LIFE_MS // 1000}"
"""A shared cache may keep an answer for that long; a browser asks again."""
JSON_TYPE = ("Content-Type", "application/json; charset=utf-8")


class Answer(Struct, frozen=True):
    """Status, body and headers, as pairs of name and value, of one HTTP answer.

    `oldest_at_ms` is received at, Unix ms, of the oldest price in it, None where it has none. From `from_ms` to
    `until_ms`, both included, the same question gets the same answer out of the same snapshot, but for the time in it.
    """

    status: int
    body: bytes
    headers: list[tuple[str, str]]
    oldest_at_ms: int | None = None
    from_ms: int = 0
    until_ms: int = -1


def json_answer(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer that no cache may store."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return Answer(status, body, [JSON_TYPE, ("Cache-Control", NEVER_STORE), *(headers or {}).items()])


def error_answer(status: int, error: str, message: str) -> Answer:
    """Return the error body that every endpoint uses."""
    return json_answer(status, {"error": error, "message": message})


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

"""What a project's middleware adds to the answers of `prices`, learned from Django's own answers. Pure.

Security headers and the like belong to the project, and it states them once, in its middleware. So nobody lists them
here: Django answers the first two requests of a kind, what both times came on top is added to later answers of that
kind, and after some seconds Django is asked again. Whatever is not the same twice is never used.
"""

from collections.abc import Hashable
from dataclasses import dataclass, replace

from msgspec import structs

from market_data.api.response import Answer

RELEARN_MS = 10_000
MAX_KINDS = 256
_HANDLED = "accept-encoding"
_PRECONDITIONS = ("HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE")
"""Middleware may answer them with 412; whoever sends them is Django's guest."""


@dataclass(frozen=True, slots=True)
class LearnedHeaders:
    """What follows the function's own headers, `Vary` first, and which of a request's headers change the answer.

    To be used from `from_ms` until before `until_ms` (Unix ms), which is never while it was seen only once.
    """

    after: tuple[tuple[str, str], ...]
    varying: tuple[str, ...]
    from_ms: int = 0
    until_ms: int = 0


class MiddlewareHeaders:
    """The learned headers by kind of request, a bounded number of them. Times are Unix ms."""

    def __init__(self) -> None:
        self._learned: dict[Hashable, LearnedHeaders] = {}

    def __len__(self) -> int:
        return len(self._learned)

    def of(self, kind: Hashable, now_ms: int) -> LearnedHeaders | None:
        """Return what is known of answers to this kind of request, or None where Django has to be asked."""
        learned = self._learned.get(kind)
        return learned if learned is not None and learned.from_ms <= now_ms < learned.until_ms else None

    def learn(self, kind: Hashable, headers: LearnedHeaders, now_ms: int) -> None:
        """Note what came with an answer; the second time that it is the same it counts."""
        known = self._learned.get(kind)
        if known is None and len(self._learned) >= MAX_KINDS and not self._has_made_room(now_ms):
            return
        until_ms = now_ms + RELEARN_MS if known is not None and known.after == headers.after else now_ms
        self._learned[kind] = replace(headers, from_ms=now_ms, until_ms=until_ms)

    def _has_made_room(self, now_ms: int) -> bool:
        learned = list(self._learned.items())  # at once, for another thread may be learning
        kept = {kind: known for kind, known in learned if abs(now_ms - known.from_ms) < 2 * RELEARN_MS}
        self._learned = kept
        return len(kept) < MAX_KINDS


def added_headers(own: Answer, django_s: Answer) -> LearnedHeaders | None:
    """Return what Django's answer has beyond `own`, or None where it changes what is there.

    `own` is the function's answer at the same time out of the same snapshot; its last header is `Vary`.
    """
    count = len(own.headers)
    given, added = django_s.headers[:count], tuple(django_s.headers[count:])
    but_for_vary = [*given[:-1], own.headers[-1]]
    theirs = structs.replace(own, status=django_s.status, body=django_s.body, headers=but_for_vary)
    if len(given) < count or own != theirs:
        return None
    name, vary = given[-1]
    asked = [token.strip().lower() for token in vary.split(",")]
    if name.lower() != "vary" or _HANDLED not in asked or "*" in asked:
        return None
    if any(name.lower() in ("vary", "set-cookie") for name, _ in added):
        return None
    varying = ("HTTP_" + token.upper().replace("-", "_") for token in asked if token != _HANDLED)
    return LearnedHeaders((given[-1], *added), (*varying, *_PRECONDITIONS))

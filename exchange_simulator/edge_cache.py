"""The cache between an exchange and its clients: whoever asks within its life gets the same answer again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from exchange_simulator.world import StaleCache, World

MOST_ENTRIES = 1000


@dataclass(frozen=True)
class CachedPayload:
    """`made_at_ms` is when the exchange made it, by the clock that the cache was given."""

    payload: Any
    made_at_ms: int
    stored_at_ms: int
    world: World


class EdgeCache:
    """Keeps answers by path and query. Times are Unix ms; callers hold one lock around a request."""

    def __init__(self, life_seconds: float) -> None:
        self.life_seconds = life_seconds
        self._entries: dict[str, CachedPayload] = {}

    def get(self, target: str, now_ms: int, world: World, make: Callable[[World], Any]) -> CachedPayload:
        """Return what is kept for a target, or what `make` gives for the world as it was when the answer was made.

        A fault of the market shows at once, unless a stale cache hides it.
        """
        stale = world.stale_cache
        entry = self._entries.get(target)
        if entry is not None and self._is_current(entry, now_ms, world, stale):
            return entry
        age_ms = 0 if stale is None else round(stale.age_seconds * 1000)
        payload = make(replace(world, clock_offset_ms=world.clock_offset_ms - age_ms))
        if len(self._entries) >= MOST_ENTRIES:
            self._entries.clear()
        entry = self._entries[target] = CachedPayload(payload, now_ms - age_ms, now_ms, world)
        return entry

    def _is_current(self, entry: CachedPayload, now_ms: int, world: World, stale: StaleCache | None) -> bool:
        life_seconds = self.life_seconds if stale is None else stale.seconds
        if not 0 <= now_ms - entry.stored_at_ms < life_seconds * 1000:
            return False
        if stale is None:
            return entry.world == world
        return stale.age_seconds == 0 or entry.world.stale_cache == stale

"""Chance as a function of time: asked twice for an instant, past or future, it gives the same answer."""

from random import Random

# Period in ms and the most that it moves: longer waves are higher, as in a random walk. 5 % in all.
_WAVES = (
    (43_200_000, 0.030), (7_200_000, 0.012), (1_200_000, 0.005), (180_000, 0.0019), (30_000, 0.0008), (4_000, 0.0003),
)  # fmt: skip
_HASH_SPAN = 2.0**63


def signed_chance(*parts: int) -> float:
    """Return a number from -1 to 1 that only depends on the parts: Python hashes whole numbers without a salt."""
    return hash(parts) / _HASH_SPAN


class Wander:
    """A path around zero, of straight lines between chance points, added up over waves of several lengths."""

    def __init__(self, seed: str, scale: float = 1.0) -> None:
        self.key = Random(seed).getrandbits(60)
        self._scale = scale

    def at(self, ms: int) -> float:
        total = 0.0
        for number, (period_ms, height) in enumerate(_WAVES):
            point, since_ms = divmod(ms, period_ms)
            here, there = signed_chance(self.key, number, point), signed_chance(self.key, number, point + 1)
            total += height * (here + (there - here) * since_ms / period_ms)
        return total * self._scale

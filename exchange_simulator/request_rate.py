"""Limits on how often one address may ask."""

from dataclasses import dataclass, field


@dataclass
class RequestRate:
    """So many requests a second from each address, and `burst` at once. Who goes on while refused waits longer."""

    per_second: float
    burst: int
    _levels: dict[str, tuple[float, int]] = field(default_factory=dict)

    def is_exceeded_by(self, client: str, now_ms: int) -> bool:
        """Count a request."""
        level, at_ms = self._levels.get(client, (0.0, now_ms))
        level = max(0.0, level - max(0, now_ms - at_ms) / 1000 * self.per_second) + 1
        self._levels[client] = (min(level, 2.0 * self.burst), now_ms)
        return level > self.burst

    def reset(self) -> None:
        self._levels.clear()

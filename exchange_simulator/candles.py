"""One candle of a market, whatever the form in which an exchange writes it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Candle:
    """Amounts are units of 10^-12; `start_ms` is Unix ms. One candle's `close` is the next one's `open`."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    count: int = 0

    @property
    def weighted_average(self) -> int:
        """Return 0 where nothing was traded."""
        return (self.open + self.high + self.low + self.close) // 4 if self.count else 0


def starts_until(now_ms: int, length_ms: int, count: int) -> range:
    """Return where the latest candles begin, the one under way included."""
    latest = now_ms - now_ms % length_ms
    return range(latest - (count - 1) * length_ms, latest + 1, length_ms)

"""How one symbol's ticker moves with the clock: a mean-reverting random walk that is drawn at each event."""

import math
from collections import deque
from dataclasses import dataclass, replace
from random import Random

from exchange_simulator.amounts import UNITS_PER_ONE
from exchange_simulator.tickers import DAY_MS, Ticker

HOUR_MS = 3_600_000
RELAXATION_SECONDS = 8 * 3600
PRICE_SPREAD = 0.04
VOLUME_SPREAD = 0.03


class Wander:
    """An Ornstein-Uhlenbeck process around zero; a step of any length costs one draw."""

    def __init__(self, random: Random, spread: float) -> None:
        self._random = random
        self._spread = spread
        self._value = 0.0

    def advance(self, seconds: float) -> float:
        kept = math.exp(-seconds / RELAXATION_SECONDS)
        noise = self._spread * math.sqrt(1 - kept * kept)
        self._value = self._value * kept + noise * self._random.gauss(0, 1)
        return self._value


@dataclass(slots=True)
class _Stretch:
    started_at_ms: int
    open: int
    high: int
    low: int


class _DayWindow:
    """Opening price, high and low of the last 24 hours, kept by the hour."""

    def __init__(self, start: Ticker, started_at_ms: int) -> None:
        self._stretches = deque([_Stretch(started_at_ms, start.open, start.high, start.low)])

    def include(self, price: int, at_ms: int) -> None:
        newest = self._stretches[-1]
        if at_ms - newest.started_at_ms >= HOUR_MS:
            newest = _Stretch(at_ms, price, price, price)
            self._stretches.append(newest)
        newest.high, newest.low = max(newest.high, price), min(newest.low, price)
        while len(self._stretches) > 1 and at_ms - self._stretches[0].started_at_ms > DAY_MS:
            self._stretches.popleft()

    @property
    def open(self) -> int:
        return self._stretches[0].open

    @property
    def high(self) -> int:
        return max(stretch.high for stretch in self._stretches)

    @property
    def low(self) -> int:
        return min(stretch.low for stretch in self._stretches)


class SymbolWalk:
    """One trading symbol. It has an event every `period_ms`, the latest of them `lag_ms` before the start."""

    def __init__(self, start: Ticker, *, tick: int, period_ms: int, lag_ms: int, started_at_ms: int, seed: int) -> None:
        self.current = start
        self._start = start
        self._tick = max(1, tick)
        self._period_ms = max(1, period_ms)
        self._first_event_ms = started_at_ms - lag_ms
        self._price = Wander(Random(f"{seed}:{start.symbol}:price"), PRICE_SPREAD)
        self._volume = Wander(Random(f"{seed}:{start.symbol}:volume"), VOLUME_SPREAD)
        self._window = _DayWindow(start, self._first_event_ms)

    def advance(self, now_ms: int) -> Ticker:
        """Return the ticker as of the latest event until `now_ms`; a clock that went back changes nothing."""
        events = (now_ms - self._first_event_ms) // self._period_ms
        event_ms = self._first_event_ms + events * self._period_ms
        if event_ms > self.current.close_time_ms:
            self.current = self._after_event(event_ms, events)
        return self.current

    def _after_event(self, event_ms: int, events: int) -> Ticker:
        seconds = (event_ms - self.current.close_time_ms) / 1000
        factor = math.exp(self._price.advance(seconds))
        last = self._on_tick(self._start.last * factor)
        self._window.include(last, event_ms)
        high, low = self._window.high, self._window.low
        average = min(high, max(low, self._start.weighted_average))
        volume = round(self._start.volume * math.exp(self._volume.advance(seconds)))
        return replace(
            self._start,
            open=self._window.open,
            high=high,
            low=low,
            last=last,
            weighted_average=average,
            bid=min(last, self._on_tick(self._start.bid * factor)) if self._start.bid else 0,
            ask=max(last, self._on_tick(self._start.ask * factor)) if self._start.ask else 0,
            volume=volume,
            quote_volume=volume * average // UNITS_PER_ONE,
            open_time_ms=event_ms - DAY_MS,
            close_time_ms=event_ms,
            first_id=self._start.first_id + events,
            last_id=self._start.last_id + events,
            recorded_row=None,
        )

    def _on_tick(self, units: float) -> int:
        return max(self._tick, round(units / self._tick) * self._tick)

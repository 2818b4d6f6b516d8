"""How one symbol's ticker moves with the clock, and the candles that it leaves behind."""

from collections import deque
from dataclasses import dataclass, replace

from exchange_simulator.amounts import UNITS_PER_ONE
from exchange_simulator.candles import Candle
from exchange_simulator.courses import Course
from exchange_simulator.tickers import DAY_MS, Ticker, Today
from exchange_simulator.wander import signed_chance

HOUR_MS = 3_600_000
VOLUME_SPREAD = 0.03
_LOOKS_INTO_A_CANDLE = 4


@dataclass(slots=True)
class _Stretch:
    started_at_ms: int
    high: int
    low: int


class _DayWindow:
    """High and low of the last 24 hours, kept by the hour."""

    def __init__(self, start: Ticker, started_at_ms: int) -> None:
        self._stretches = deque([_Stretch(started_at_ms, start.high, start.low)])

    def include(self, price: int, at_ms: int) -> None:
        newest = self._stretches[-1]
        if at_ms - newest.started_at_ms >= HOUR_MS:
            newest = _Stretch(at_ms, price, price)
            self._stretches.append(newest)
        newest.high, newest.low = max(newest.high, price), min(newest.low, price)
        while len(self._stretches) > 1 and at_ms - self._stretches[0].started_at_ms > DAY_MS:
            self._stretches.popleft()

    @property
    def high(self) -> int:
        return max(stretch.high for stretch in self._stretches)

    @property
    def low(self) -> int:
        return min(stretch.low for stretch in self._stretches)


class SymbolWalk:
    """One trading symbol. It has an event every `period_ms`, the latest of them `lag_ms` before the start."""

    def __init__(
        self, start: Ticker, course: Course, *, tick: int, period_ms: int, lag_ms: int, started_at_ms: int, key: int
    ) -> None:
        self.current = start
        self._start = start
        self._course = course
        self._tick = max(1, tick)
        self._period_ms = max(1, period_ms)
        self._first_event_ms = started_at_ms - lag_ms
        self._started_at_ms = started_at_ms
        self._start_price = course(-lag_ms)
        self._key = key
        self._window = _DayWindow(start, self._first_event_ms)
        self._is_today_recorded = start.today.open > 0
        self._today_ms, self._today = _midnight(self._first_event_ms), start.today
        if not self._is_today_recorded:
            self._begin_day(self._today_ms)
            opening = self._today.open
            self.current = replace(start, today=self._today, high=max(start.high, opening), low=min(start.low, opening))

    def advance(self, now_ms: int) -> Ticker:
        """Return the ticker as of the latest event until `now_ms`; a clock that went back changes nothing."""
        events, event_ms = self._latest_event(now_ms)
        if event_ms > self.current.close_time_ms:
            self.current = self._after_event(event_ms, events)
        return self.current

    def price_at(self, ms: int) -> int:
        """Return the price of the latest event until an instant, past or future."""
        return self._on_tick(self._start.last * self._factor(self._latest_event(ms)[1]))

    def candle(self, start_ms: int, length_ms: int, now_ms: int) -> Candle:
        end_ms = min(start_ms + length_ms, now_ms)
        steps = range(_LOOKS_INTO_A_CANDLE + 1)
        prices = [self.price_at(start_ms + (end_ms - start_ms) * step // _LOOKS_INTO_A_CANDLE) for step in steps]
        share = (end_ms - start_ms) / DAY_MS * (1 + 0.5 * signed_chance(self._key, start_ms))
        has_event = self._latest_event(end_ms)[0] > self._latest_event(start_ms)[0]
        volume, count = (round(self._start.volume * share), round(self._start.count * share)) if has_event else (0, 0)
        return Candle(start_ms, prices[0], max(prices), min(prices), prices[-1], volume, max(count, int(has_event)))

    def _latest_event(self, ms: int) -> tuple[int, int]:
        """Return the number of the latest event, counted from the start, and its time."""
        events = (ms - self._first_event_ms) // self._period_ms
        return events, self._first_event_ms + events * self._period_ms

    def _factor(self, event_ms: int) -> float:
        return self._course(event_ms - self._started_at_ms) / self._start_price

    def _after_event(self, event_ms: int, events: int) -> Ticker:
        factor = self._factor(event_ms)
        last = self._on_tick(self._start.last * factor)
        opening = self.price_at(event_ms - DAY_MS)
        if _midnight(event_ms) != self._today_ms:
            self._is_today_recorded = False
            self._begin_day(_midnight(event_ms))
        for price in (opening, self._today.open, last):
            self._window.include(price, event_ms)
        high, low = self._window.high, self._window.low
        average = min(high, max(low, self._start.weighted_average))
        volume = round(self._start.volume * (1 + VOLUME_SPREAD * signed_chance(self._key, events)))
        return replace(
            self._start,
            open=opening,
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
            today=self._today_after(event_ms, last, volume),
            recorded_row=None,
        )

    def _today_after(self, event_ms: int, last: int, volume: int) -> Today:
        today = replace(self._today, high=max(self._today.high, last), low=min(self._today.low, last))
        if not self._is_today_recorded:
            share = (event_ms - self._today_ms) / DAY_MS
            today = replace(
                today,
                volume=round(volume * share),
                count=round(self._start.count * share),
                weighted_average=(today.open + today.high + today.low + last) // 4,
            )
        self._today = today
        return today

    def _begin_day(self, midnight_ms: int) -> None:
        opening = self.price_at(midnight_ms)
        self._today_ms, self._today = midnight_ms, Today(opening, opening, opening, opening)

    def _on_tick(self, units: float) -> int:
        return max(self._tick, round(units / self._tick) * self._tick)


def _midnight(ms: int) -> int:
    return ms - ms % DAY_MS

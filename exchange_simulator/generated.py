"""Tickers of a made-up market, in step with what its assets are worth."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice
from random import Random

from exchange_simulator.amounts import UNITS_PER_ONE, to_units
from exchange_simulator.assets import Assets
from exchange_simulator.courses import Course, asset_course
from exchange_simulator.market import Listing, MarketSource, Opening
from exchange_simulator.tickers import DAY_MS, Ticker
from exchange_simulator.world import LIVE, ZERO, in_row_form

DEFAULT_SYMBOL_COUNT = 60
BUSY_PERIOD_MS = 50
ONE_WEEK_MS = 7 * DAY_MS
_LOOKS_AT_A_DAY = 8


@dataclass(frozen=True)
class Instrument:
    """One line of the made-up market; `lag_ms` fixes how long ago the last event was at the start."""

    symbol: str
    base: str
    quote: str
    status: str
    row_form: str = LIVE
    lag_ms: int | None = None


@dataclass(frozen=True)
class Digits:
    """The price step in units of 10^-12, and how many decimals prices and volumes are written with."""

    tick: int
    price_decimals: int = 8
    volume_decimals: int = 8
    quote_volume_decimals: int = 8


def simulated_names() -> Iterator[tuple[str, bool, int]]:
    """Yield SIM0001 and on, which trade, and after every tenth of them OLD0001 and on, which do not."""
    for number in count(1):
        yield f"SIM{number:04d}", True, number
        if number % 10 == 0:
            yield f"OLD{number // 10:04d}", False, number // 10


def dollar_markets(make: Callable[..., Instrument]) -> Iterator[Instrument]:
    """Yield the simulated names in dollars, those that do not trade without a trade for a day."""
    for base, is_trading, _ in simulated_names():
        yield make(f"{base}/USD", row_form=LIVE if is_trading else ZERO)


@dataclass(frozen=True)
class Catalogue:
    """What an exchange has: well-known symbols first, then as many others as are wanted.

    `trading` is the status of those whose price moves; `write_listing` makes the listing of an opening with a status.
    """

    exchange: str
    known: Sequence[Instrument]
    others: Callable[[], Iterator[Instrument]]
    digits: Callable[[Instrument, float], Digits]
    trading: str
    write_listing: Callable[[Opening, str], Listing]

    def instruments(self, symbol_count: int) -> list[Instrument]:
        chosen = list(self.known[:symbol_count])
        return chosen + list(islice(self.others(), symbol_count - len(chosen)))

    def open(self, symbol_count: int, seed: int) -> MarketSource:
        assets, chosen = Assets(seed), self.instruments(symbol_count)
        openings = [
            _opening(
                instrument,
                asset_course(assets, self.exchange, instrument.base, instrument.quote),
                self.digits,
                Random(f"{seed}:{self.exchange}:{instrument.symbol}"),
                self.trading,
            )
            for instrument in chosen
        ]
        listings = [
            self.write_listing(opening, instrument.status) for opening, instrument in zip(openings, chosen, strict=True)
        ]
        return MarketSource(openings, listings)


def _opening(
    instrument: Instrument,
    course: Course,
    digits: Callable[[Instrument, float], Digits],
    random: Random,
    trading: str,
) -> Opening:
    written = digits(instrument, course(0))
    tick = written.tick

    def on_tick(price: float) -> int:
        steps: int = round(price * UNITS_PER_ONE / tick)
        return max(tick, steps * tick)

    period_ms, lag_ms = _event_times(instrument, random)
    day = [on_tick(course(-lag_ms - DAY_MS * look // _LOOKS_AT_A_DAY)) for look in range(_LOOKS_AT_A_DAY + 1)]
    last, first = day[0], day[-1]
    high = on_tick(max(day) / UNITS_PER_ONE * (1 + abs(random.gauss(0, 0.002))))
    low = on_tick(min(day) / UNITS_PER_ONE * (1 - abs(random.gauss(0, 0.002))))
    average = (first + high + low + last) // 4
    volume = to_units(round(math.exp(random.gauss(15, 1.5)) / course(0)) or 1)
    trades = max(1, round(math.exp(random.gauss(10, 1))))
    first_id = random.randrange(1_000_000, 900_000_000)
    ticker = Ticker(
        symbol=instrument.symbol, open=first, high=max(high, *day), low=min(low, *day), last=last,
        weighted_average=average, previous_close=first,
        last_quantity=volume // trades or 1, bid=max(tick, last - tick), bid_quantity=volume // 900 or 1,
        ask=last + tick, ask_quantity=volume // 1100 or 1,
        volume=volume, quote_volume=volume * average // UNITS_PER_ONE,
        open_time_ms=-lag_ms - DAY_MS, close_time_ms=-lag_ms,
        first_id=first_id, last_id=first_id + trades - 1, count=trades,
        price_decimals=written.price_decimals, volume_decimals=written.volume_decimals,
        quote_volume_decimals=written.quote_volume_decimals,
    )  # fmt: skip
    return Opening(
        in_row_form(ticker, instrument.row_form),
        as_of_ms=0,
        base=instrument.base,
        quote=instrument.quote,
        is_trading=instrument.status == trading and instrument.row_form == LIVE,
        tick=tick,
        period_ms=period_ms,
        course=course,
    )


def _event_times(instrument: Instrument, random: Random) -> tuple[int, int]:
    """Return the time between two events and the age of the latest one, in ms.

    Most symbols have an event every second, about a third lag by seconds, a few by minutes.
    """
    if instrument.row_form != LIVE:
        return ONE_WEEK_MS, ONE_WEEK_MS // 2
    if instrument.lag_ms is not None:
        return max(BUSY_PERIOD_MS, 2 * instrument.lag_ms), instrument.lag_ms
    shortest, longest = random.choices(((100, 2_000), (6_000, 50_000), (60_000, 600_000)), weights=(62, 33, 5))[0]
    period_ms = random.randrange(shortest, longest)
    return period_ms, random.randrange(period_ms)

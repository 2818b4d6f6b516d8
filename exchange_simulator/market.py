"""One exchange's market: which symbols there are, their status, and their tickers and candles at an instant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from exchange_simulator.amounts import unit_of
from exchange_simulator.assets import Assets
from exchange_simulator.candles import Candle
from exchange_simulator.courses import Course, recorded_course
from exchange_simulator.tickers import Ticker
from exchange_simulator.walk import SymbolWalk
from exchange_simulator.world import FROZEN, LIVE, World, in_row_form

SHORTEST_PERIOD_MS = 100

Listing = Mapping[str, Any]
"""What the exchange lists of a symbol: `symbol`, `status`, and its own row, whatever that holds."""


@dataclass(frozen=True)
class Opening:
    """Where one symbol's ticker starts: its times are those of a market whose present is `as_of_ms`.

    Without a `course` the price moves on from where it was recorded.
    """

    ticker: Ticker
    as_of_ms: int
    base: str = ""
    quote: str = ""
    is_trading: bool = False
    tick: int = unit_of(8)
    period_ms: int | None = None
    course: Course | None = None

    @property
    def lag_ms(self) -> int:
        return max(0, self.as_of_ms - self.ticker.close_time_ms)


@dataclass(frozen=True)
class MarketSource:
    """What a market is made of, whether generated or recorded. Only Binance lists `rate_limits`."""

    openings: Sequence[Opening]
    listings: Sequence[Listing]
    rate_limits: Sequence[Mapping[str, Any]] = ()


class Market:
    """Reads advance the walks, so callers hold one lock around a request."""

    def __init__(self, source: MarketSource, *, started_at_ms: int, seed: int, is_still: bool = False) -> None:
        self.listings: Mapping[str, Listing] = {row["symbol"]: row for row in source.listings}
        self.rate_limits = source.rate_limits
        self._openings = {opening.ticker.symbol: opening for opening in source.openings}
        self._started_at_ms = started_at_ms
        self._assets = Assets(seed)
        self._fixed: dict[str, Ticker] = {}
        self._walks: dict[str, SymbolWalk] = {}
        for symbol, opening in self._openings.items():
            if is_still or not opening.is_trading or opening.ticker.last <= 0:
                self._fixed[symbol] = opening.ticker.shifted(started_at_ms - opening.as_of_ms)
            else:
                self._walks[symbol] = _walk(opening, started_at_ms, seed)

    def symbols(self, world: World) -> list[str]:
        """Return the symbols that have a row, in the market's own order."""
        return self._shown(self._openings, world)

    def listed(self, world: World) -> list[str]:
        """Return the symbols that are listed, under the names that they have now."""
        return self._shown(self.listings, world)

    def _shown(self, symbols: Iterable[str], world: World) -> list[str]:
        shown = map(world.shown_name, symbols)
        return [symbol for symbol in shown if symbol is not None and symbol not in world.unknown_symbols]

    def is_known(self, symbol: str, world: World) -> bool:
        own = world.own_name(symbol)
        return (own in self._openings or own in self.listings) and symbol not in world.unknown_symbols

    def listing(self, symbol: str, world: World) -> Listing:
        """Return what is listed of a symbol, under its own name and status; empty where nothing is."""
        return self.listings.get(world.own_name(symbol) or "", {})

    def status(self, symbol: str, world: World) -> str | None:
        if symbol in world.states:
            return world.states[symbol].status
        status: str | None = self.listing(symbol, world).get("status")
        return status

    def ticker(self, symbol: str, now_ms: int, world: World) -> Ticker | None:
        """Return a symbol's ticker, its times on the exchange's own clock; None where it has no row."""
        own = world.own_name(symbol)
        if symbol in world.unknown_symbols or own not in self._openings:
            return None
        state = world.states.get(symbol)
        row_form = state.row_form if state else LIVE
        ticker = self._read(own, now_ms, is_frozen=row_form == FROZEN)
        if world.dollars:
            ticker = self._at_dollars(self._openings[own], ticker, now_ms, world)
        change = world.price_change(symbol)
        if change is not None and ticker.last > 0:
            ticker = change.apply(ticker)
        return in_row_form(ticker, row_form).shifted(world.clock_offset_ms).named(symbol)

    def _read(self, symbol: str, now_ms: int, is_frozen: bool) -> Ticker:
        walk = self._walks.get(symbol)
        if walk is not None:
            return walk.current if is_frozen else walk.advance(now_ms)
        ticker, opening = self._fixed[symbol], self._openings[symbol]
        if is_frozen or not opening.is_trading or ticker.last <= 0:
            return ticker
        return ticker.shifted(now_ms - opening.lag_ms - ticker.close_time_ms)

    def _at_dollars(self, opening: Opening, ticker: Ticker, now_ms: int, world: World) -> Ticker:
        if not opening.is_trading or not {opening.base, opening.quote} & world.dollars.keys():
            return ticker
        ms = now_ms - self._started_at_ms
        base, quote = (
            world.dollars[asset] / self._assets.dollars(asset, ms) if asset in world.dollars else 1.0
            for asset in (opening.base, opening.quote)
        )
        return ticker.repriced(max(1, round(ticker.last * base / quote / opening.tick)) * opening.tick)

    def candles(self, symbol: str, starts: Iterable[int], length_ms: int, now_ms: int, world: World) -> list[Candle]:
        """Return a symbol's candles; none of one that does not trade."""
        own = world.own_name(symbol) or ""
        walk = self._walks.get(own)
        if walk is not None:
            return [walk.candle(start_ms, length_ms, now_ms) for start_ms in starts]
        if own not in self._fixed or not self._openings[own].is_trading:
            return []
        last = self._fixed[own].last
        return [Candle(start_ms, last, last, last, last) for start_ms in starts]


def _walk(opening: Opening, started_at_ms: int, seed: int) -> SymbolWalk:
    return SymbolWalk(
        opening.ticker.shifted(started_at_ms - opening.as_of_ms),
        opening.course or recorded_course(opening.ticker, opening.lag_ms, seed),
        tick=opening.tick,
        period_ms=opening.period_ms or max(SHORTEST_PERIOD_MS, 2 * opening.lag_ms),
        lag_ms=opening.lag_ms,
        started_at_ms=started_at_ms,
        key=Random(f"{seed}:{opening.ticker.symbol}:volume").getrandbits(60),
    )

"""The simulated market: which symbols there are, their status, and their tickers at an instant."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from exchange_simulator.amounts import parse_amount
from exchange_simulator.tickers import Ticker
from exchange_simulator.walk import SymbolWalk
from exchange_simulator.world import FROZEN, LIVE, World, in_row_form

TRADING = "TRADING"
SHORTEST_PERIOD_MS = 100

Listing = Mapping[str, Any]


@dataclass(frozen=True)
class Opening:
    """Where one symbol's ticker starts: its times are those of a market whose present is `as_of_ms`."""

    ticker: Ticker
    as_of_ms: int
    period_ms: int | None = None

    @property
    def lag_ms(self) -> int:
        return max(0, self.as_of_ms - self.ticker.close_time_ms)


@dataclass(frozen=True)
class MarketSource:
    """What a market is made of, whether generated or recorded."""

    openings: Sequence[Opening]
    listings: Sequence[Listing]
    rate_limits: Sequence[Mapping[str, Any]]


class Market:
    """Reads advance the walks, so callers hold one lock around a request."""

    def __init__(self, source: MarketSource, *, started_at_ms: int, seed: int, is_still: bool = False) -> None:
        self.listings: Mapping[str, Listing] = {row["symbol"]: row for row in source.listings}
        self.rate_limits = source.rate_limits
        self._fixed: dict[str, Ticker] = {}
        self._walks: dict[str, SymbolWalk] = {}
        self._still_lags_ms: dict[str, int] = {}
        self._symbols = [opening.ticker.symbol for opening in source.openings]
        for opening in source.openings:
            self._open(opening, started_at_ms, seed, is_still)

    def _open(self, opening: Opening, started_at_ms: int, seed: int, is_still: bool) -> None:
        start = opening.ticker.shifted(started_at_ms - opening.as_of_ms)
        listing = self.listings.get(start.symbol, {})
        if listing.get("status") != TRADING or start.last <= 0:
            self._fixed[start.symbol] = start
        elif is_still:
            self._fixed[start.symbol] = start
            self._still_lags_ms[start.symbol] = opening.lag_ms
        else:
            self._walks[start.symbol] = SymbolWalk(
                start,
                tick=tick_size(listing),
                period_ms=opening.period_ms or max(SHORTEST_PERIOD_MS, 2 * opening.lag_ms),
                lag_ms=opening.lag_ms,
                started_at_ms=started_at_ms,
                seed=seed,
            )

    def symbols(self, world: World) -> list[str]:
        """Return the symbols that have a row, in the market's own order."""
        shown = map(world.shown_name, self._symbols)
        return [symbol for symbol in shown if symbol is not None and symbol not in world.unknown_symbols]

    def is_known(self, symbol: str, world: World) -> bool:
        own = world.own_name(symbol)
        is_here = own in self._walks or own in self._fixed or own in self.listings
        return is_here and symbol not in world.unknown_symbols

    def status(self, symbol: str, world: World) -> str | None:
        if symbol in world.states:
            return world.states[symbol].status
        status: str | None = self.listings.get(world.own_name(symbol) or "", {}).get("status")
        return status

    def listed(self, world: World) -> list[Listing]:
        """Return the rows of `exchangeInfo`, statuses as they are now."""
        shown = (_under_its_name(row, world) for row in self.listings.values())
        rows = [row for row in shown if row is not None and row["symbol"] not in world.unknown_symbols]
        if not world.states:
            return rows
        return [{**row, "status": self.status(row["symbol"], world)} for row in rows]

    def ticker(self, symbol: str, now_ms: int, world: World) -> Ticker | None:
        """Return a symbol's ticker, its times on the exchange's own clock; None where it has no row."""
        own = world.own_name(symbol)
        if symbol in world.unknown_symbols or own is None:
            return None
        state = world.states.get(symbol)
        row_form = state.row_form if state else LIVE
        ticker = self._read(own, now_ms, is_frozen=row_form == FROZEN)
        if ticker is None:
            return None
        change = world.price_change(symbol)
        if change is not None and ticker.last > 0:
            ticker = change.apply(ticker)
        return in_row_form(ticker, row_form).shifted(world.clock_offset_ms).named(symbol)

    def _read(self, symbol: str, now_ms: int, is_frozen: bool) -> Ticker | None:
        walk = self._walks.get(symbol)
        if walk is not None:
            return walk.current if is_frozen else walk.advance(now_ms)
        ticker = self._fixed.get(symbol)
        lag_ms = self._still_lags_ms.get(symbol)
        if ticker is None or lag_ms is None or is_frozen:
            return ticker
        return ticker.shifted(now_ms - lag_ms - ticker.close_time_ms)


def _under_its_name(row: Listing, world: World) -> Listing | None:
    """Return the listing under the name that the symbol has now, its base asset renamed with it."""
    own, quote = row["symbol"], row.get("quoteAsset")
    name = world.shown_name(own)
    if name is None or name == own:
        return row if name else None
    is_readable = isinstance(quote, str) and quote and name.endswith(quote) and name != quote
    return {**row, "symbol": name, **({"baseAsset": name.removesuffix(quote)} if is_readable else {})}


def tick_size(listing: Listing) -> int:
    """Return the price step in units of 10^-8; 1 where the listing names none that is usable."""
    for price_filter in _price_filters(listing.get("filters")):
        try:
            return max(1, parse_amount(str(price_filter.get("tickSize"))))
        except ValueError:
            return 1
    return 1


def _price_filters(filters: object) -> Iterable[Mapping[str, Any]]:
    rows = filters if isinstance(filters, list) else []
    return (row for row in rows if isinstance(row, dict) and row.get("filterType") == "PRICE_FILTER")

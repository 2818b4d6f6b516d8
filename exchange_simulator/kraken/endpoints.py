"""What Kraken answers on each path, given the market."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from exchange_simulator.amounts import format_amount
from exchange_simulator.candles import Candle, starts_until
from exchange_simulator.kraken.errors import INVALID_ARGUMENTS, UNAVAILABLE, UNKNOWN_PAIR, refused
from exchange_simulator.kraken.markets import CURRENCY, ONLINE, TOKENIZED_ASSET, write_listing
from exchange_simulator.kraken.names import PairNames, names_of
from exchange_simulator.kraken.rows import write_row
from exchange_simulator.tickers import Row
from exchange_simulator.view import MarketView, NamedRow

TICKER, ASSET_PAIRS, OHLC = "/0/public/Ticker", "/0/public/AssetPairs", "/0/public/OHLC"
SYSTEM_STATUS, TIME = "/0/public/SystemStatus", "/0/public/Time"
MAINTENANCE = "maintenance"
SYSTEM_STATUSES = (ONLINE, MAINTENANCE, "cancel_only", "post_only")
INTERVALS_MINUTES = (1, 5, 15, 30, 60, 240, 1440, 10_080, 21_600)
COMMITTED_CANDLES = 720

Parameters = Mapping[str, str]


def read_parameters(query: str) -> Parameters:
    return dict(parse_qsl(query, keep_blank_values=True))


@dataclass(frozen=True)
class KrakenView(MarketView):
    """`symbols_by_name` leads from every name of a market to the one with `assetVersion=1`."""

    symbols_by_name: Mapping[str, str]

    def row(self, symbol: str) -> Row | None:
        ticker = self.market.ticker(symbol, self.now_ms, self.world)
        return None if ticker is None else write_row(ticker)

    def rows(self, payload: Any) -> list[NamedRow]:
        result = payload.get("result") if isinstance(payload, dict) else None
        if not isinstance(result, dict) or not all(isinstance(row, dict) and "c" in row for row in result.values()):
            return []
        return [(self.symbol(name), row) for name, row in result.items()]

    def with_rows(self, payload: Any, rows: Iterable[NamedRow]) -> Any:
        return {**payload, "result": {self.key(symbol): row for symbol, row in rows if symbol is not None}}

    @cached_property
    def parameters(self) -> Parameters:
        """Return the last value of each parameter; those that no endpoint knows are ignored."""
        return read_parameters(urlsplit(self.target).query)

    @property
    def has_new_names(self) -> bool:
        return self.parameters.get("assetVersion") == "1"

    def key(self, symbol: str) -> str:
        """Return what the request wants a market to be called in the answer."""
        if self.has_new_names:
            return symbol
        listing = self.market.listing(symbol, self.world)
        names: PairNames = listing["names"] if listing.get("symbol") == symbol else names_of(symbol)
        return names.key

    def symbol(self, name: str) -> str | None:
        """Return the market that goes by a name now; None where none does."""
        for new in self.world.renamed_symbols.values():
            if name in names_of(new).all:
                return new
        symbol = self.symbols_by_name.get(name, "")
        return symbol if self.market.is_known(symbol, self.world) else None

    def asset_class(self, symbol: str) -> str:
        row = self.market.listing(symbol, self.world).get("row", {})
        return str(row.get("aclass_base", CURRENCY))


def _ticker(view: KrakenView) -> Any:
    rows = ((symbol, view.row(symbol)) for symbol in _asked(view, view.market.symbols(view.world), "asset_class"))
    return {view.key(symbol): row for symbol, row in rows if row is not None}


def _asset_pairs(view: KrakenView) -> Any:
    return {
        view.key(symbol): write_listing(
            view.market.listing(symbol, view.world),
            symbol,
            view.market.status(symbol, view.world),
            has_new_names=view.has_new_names,
        )
        for symbol in _asked(view, view.market.listed(view.world), "aclass_base")
    }


def _ohlc(view: KrakenView) -> Any:
    parameters = view.parameters
    interval, since = parameters.get("interval", "1"), parameters.get("since", "0")
    if not (interval.isdecimal() and since.isdecimal() and parameters.get("pair")):
        raise refused(INVALID_ARGUMENTS)
    if int(interval) not in INTERVALS_MINUTES:
        raise refused(INVALID_ARGUMENTS)
    symbols = _asked(view, view.market.symbols(view.world), "asset_class")
    if len(symbols) != 1:
        raise refused(UNKNOWN_PAIR)
    (symbol,) = symbols
    length_ms = int(interval) * 60_000
    starts = list(starts_until(view.now_ms, length_ms, COMMITTED_CANDLES + 1))
    last_seconds = starts[-2] // 1000
    later = [start for start in starts[:-1] if start > int(since) * 1000] + starts[-1:]
    candles = view.market.candles(symbol, later, length_ms, view.now_ms, view.world)
    decimals = _price_decimals(view, symbol)
    rows = [_candle_row(candle, decimals) for candle in candles]
    return {view.key(symbol): rows, "last": last_seconds}


def _price_decimals(view: KrakenView, symbol: str) -> int:
    row = view.market.listing(symbol, view.world).get("row", {})
    ticker = view.market.ticker(symbol, view.now_ms, view.world)
    return int(row.get("pair_decimals", ticker.price_decimals if ticker else 0))


def _candle_row(candle: Candle, decimals: int) -> list[Any]:
    prices = (candle.open, candle.high, candle.low, candle.close, candle.weighted_average)
    return [
        candle.start_ms // 1000,
        *(format_amount(price, decimals) for price in prices),
        format_amount(candle.volume),
        candle.count,
    ]


def _system_status(view: KrakenView) -> Any:
    at = datetime.fromtimestamp(view.exchange_time_ms // 1000, UTC)
    return {"status": view.world.system_status or ONLINE, "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _time(view: KrakenView) -> Any:
    seconds = view.exchange_time_ms // 1000
    at = time.gmtime(seconds)
    return {"unixtime": seconds, "rfc1123": time.strftime(f"%a, {at.tm_mday:2d} %b %y %H:%M:%S +0000", at)}


def _asked(view: KrakenView, everything: list[str], class_parameter: str) -> list[str]:
    """Return the markets of one asset class that are asked for, in the exchange's own order."""
    asset_class = view.parameters.get(class_parameter, CURRENCY)
    if asset_class not in (CURRENCY, TOKENIZED_ASSET):
        raise refused(INVALID_ARGUMENTS)
    of_class = [symbol for symbol in everything if view.asset_class(symbol) == asset_class]
    names = [name for name in view.parameters.get("pair", "").split(",") if name]
    if not names:
        return of_class
    asked = {view.symbol(name) for name in names}
    if not asked <= set(of_class):
        raise refused(UNKNOWN_PAIR)
    return [symbol for symbol in of_class if symbol in asked]


_ENDPOINTS: Mapping[str, Callable[[KrakenView], Any]] = {
    TICKER: _ticker,
    ASSET_PAIRS: _asset_pairs,
    OHLC: _ohlc,
    SYSTEM_STATUS: _system_status,
    TIME: _time,
}
UNCACHED = (SYSTEM_STATUS, TIME)


def find_endpoint(path: str) -> Callable[[KrakenView], Any] | None:
    """Return what makes the answer at a path; None where there is nothing."""
    endpoint = _ENDPOINTS.get(path)
    if endpoint is None:
        return None

    def answer(view: KrakenView) -> Any:
        if view.world.system_status == MAINTENANCE and path not in UNCACHED:
            raise refused(UNAVAILABLE)
        return {"error": [], "result": endpoint(view)}

    return answer

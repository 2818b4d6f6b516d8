"""What Bitstamp answers on each path, given the market."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from exchange_simulator.amounts import format_amount
from exchange_simulator.answers import RequestRefusedError, html_answer
from exchange_simulator.bitstamp.errors import error_answer
from exchange_simulator.bitstamp.markets import url_symbol, write_market, write_trading_pair
from exchange_simulator.bitstamp.rows import NAMING_KEYS, SPOT, market_type, write_row
from exchange_simulator.candles import starts_until
from exchange_simulator.tickers import Row
from exchange_simulator.view import MarketView, NamedRow

STEPS_SECONDS = (60, 180, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400, 259_200)
MOST_CANDLES = 1000
_PATH = re.compile(r"/api/v2/(?P<place>[\w-]+)(?:/(?P<market>[^/]+))?/?")

Parameters = Mapping[str, str]


class BitstampView(MarketView):
    def row(self, symbol: str) -> Row | None:
        ticker = self.market.ticker(symbol, self.now_ms, self.world)
        return None if ticker is None else write_row(ticker, self.exchange_time_ms)

    def rows(self, payload: Any) -> list[NamedRow]:
        rows = payload if isinstance(payload, list) else [payload]
        if not all(isinstance(row, dict) and "last" in row for row in rows):
            return []
        asked = self.symbol(asked_market(urlsplit(self.target).path) or "")
        return [(row.get("pair", asked), row) for row in rows]

    def with_rows(self, payload: Any, rows: Iterable[NamedRow]) -> Any:
        found = [row for _, row in rows]
        return found if isinstance(payload, list) else (found or [{}])[0]

    def symbol(self, market: str) -> str | None:
        """Return the market that goes by this name in a path; None where none does."""
        names = {*self.market.symbols(self.world), *self.market.listed(self.world)}
        return next((symbol for symbol in names if url_symbol(symbol) == market), None)


def _tickers(view: BitstampView, market: str | None, parameters: Parameters) -> Any:
    symbol = None if market is None else view.symbol(market)
    row = None if symbol is None else view.row(symbol)
    if row is not None:
        return {key: value for key, value in row.items() if key not in NAMING_KEYS}
    if market is not None and view.world.answers_unknown_with_404:
        raise RequestRefusedError(html_answer(404, "404 Not Found"))
    rows = (view.row(symbol) for symbol in view.market.symbols(view.world))
    return [row for row in rows if row is not None]


def _markets(view: BitstampView, market: str | None, parameters: Parameters) -> Any:
    return [
        write_market(view.market.listing(symbol, view.world), symbol, view.market.status(symbol, view.world))
        for symbol in view.market.listed(view.world)
    ]


def _trading_pairs_info(view: BitstampView, market: str | None, parameters: Parameters) -> Any:
    return [
        write_trading_pair(view.market.listing(symbol, view.world), symbol, view.market.status(symbol, view.world))
        for symbol in view.market.listed(view.world)
        if market_type(symbol) == SPOT
    ]


def _ohlc(view: BitstampView, market: str | None, parameters: Parameters) -> Any:
    symbol = view.symbol(market or "")
    if symbol is None:
        raise RequestRefusedError(html_answer(404, "404 Not Found"))
    step = _whole_number(parameters, "step", None)
    limit = _whole_number(parameters, "limit", None)
    if step not in STEPS_SECONDS or not 1 <= limit <= MOST_CANDLES:
        raise RequestRefusedError(error_answer(400, f"Wrong step or limit: {step}, {limit}"))
    length_ms = step * 1000
    end_ms = min(view.now_ms, 1000 * _whole_number(parameters, "end", view.now_ms // 1000 + 1))
    start_ms = 1000 * _whole_number(parameters, "start", 0)
    starts = [start for start in starts_until(end_ms, length_ms, limit) if start >= start_ms]
    if "start" in parameters and "end" not in parameters:
        first_ms = start_ms + -start_ms % length_ms
        starts = [start for start in range(first_ms, first_ms + limit * length_ms, length_ms) if start <= end_ms]
    candles = view.market.candles(symbol, starts, length_ms, view.now_ms, view.world)
    ticker = view.market.ticker(symbol, view.now_ms, view.world)
    decimals = ticker.price_decimals if ticker else 0
    return {
        "data": {
            "pair": symbol,
            "ohlc": [
                {
                    "high": format_amount(candle.high, decimals),
                    "timestamp": str(candle.start_ms // 1000),
                    "volume": format_amount(candle.volume),
                    "low": format_amount(candle.low, decimals),
                    "close": format_amount(candle.close, decimals),
                    "open": format_amount(candle.open, decimals),
                }
                for candle in candles
            ],
        }
    }


def _whole_number(parameters: Parameters, name: str, default: int | None) -> int:
    text = parameters.get(name)
    if text is None and default is not None:
        return default
    if text is None or not (text.isascii() and text.isdigit()):
        raise RequestRefusedError(error_answer(400, f"Missing or malformed parameter: {name}"))
    return int(text)


# Place in the path -> what answers, and whether a market may, or must, come after it.
_ENDPOINTS: Mapping[tuple[str, bool], Callable[[BitstampView, str | None, Parameters], Any]] = {
    ("ticker", False): _tickers,
    ("ticker", True): _tickers,
    ("markets", False): _markets,
    ("trading-pairs-info", False): _trading_pairs_info,
    ("ohlc", True): _ohlc,
}


def asked_market(path: str) -> str | None:
    """Return the market that a path names; None where it names none."""
    found = _PATH.fullmatch(path)
    return found["market"] if found else None


def find_endpoint(path: str, query: str) -> Callable[[BitstampView], Any] | None:
    """Return what makes the answer at a path; None where there is nothing."""
    found, market = _PATH.fullmatch(path), asked_market(path)
    endpoint = _ENDPOINTS.get((found["place"], market is not None)) if found else None
    if endpoint is None:
        return None
    return lambda view: endpoint(view, market, dict(parse_qsl(query)))

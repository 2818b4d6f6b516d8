"""Bitstamp spot behind the protocol of all exchanges. Pure.

Source of paths and forms: recorded answers of API v2, and what users of client libraries report.
"""

from collections.abc import Callable, Sequence

from market_data.exchanges.bitstamp import failures
from market_data.exchanges.bitstamp.payloads import decode_markets, decode_tickers
from market_data.exchanges.errors import ExchangeError, NoTickersError
from market_data.exchanges.protocol import Candle, Request, SymbolListing, TickerAnswer
from market_data.exchanges.response import HttpResponse

_TICKERS = "/api/v2/ticker/"
_LISTS = ("/api/v2/trading-pairs-info/", "/api/v2/markets/")
_MAX_BYTES = 16 * 1024 * 1024


class Bitstamp:
    name = "bitstamp"
    weight_limit = 1000
    """10,000 requests in ten minutes; each counts as one."""

    def usual_symbol(self, base_asset: str, quote_asset: str, *, has_alias: bool) -> str | None:
        return f"{base_asset}/{quote_asset}"

    def ticker_requests(
        self, symbols: Sequence[str], *, batch_size: int, is_suspect: Callable[[str], bool], may_ask_for_all: bool
    ) -> list[Request]:
        """Return the one request for all markets: the other one answers about a single market."""
        return [Request(_TICKERS, 1, tuple(symbols), max_bytes=_MAX_BYTES)] if symbols else []

    def read_tickers(self, request: Request, response: HttpResponse) -> TickerAnswer:
        rows = decode_tickers(response, frozenset(request.symbols))
        if not rows:
            raise NoTickersError(f"{response.host}: an answer brought none of the tickers that were asked for")
        return TickerAnswer(rows, refused=tuple(symbol for symbol in request.symbols if symbol not in rows))

    def list_requests(self) -> Sequence[Request]:
        return [Request(path, 1, max_bytes=_MAX_BYTES) for path in _LISTS]

    def status_request(self, symbols: Sequence[str]) -> Request | None:
        return None

    def read_list(self, response: HttpResponse) -> SymbolListing:
        return SymbolListing(decode_markets(response))

    def candles_request(self, symbol: str) -> Request | None:
        return None  # every row brings the price of 24 h ago

    def read_candles(self, response: HttpResponse) -> Sequence[Candle]:
        return ()

    def error_of(self, response: HttpResponse) -> ExchangeError | None:
        return failures.error_of(response)

    def used_weight(self, response: HttpResponse) -> int | None:
        return None

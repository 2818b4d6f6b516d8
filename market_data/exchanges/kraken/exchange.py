"""Kraken spot behind the protocol of all exchanges. Pure."""

from collections.abc import Callable, Sequence
from urllib.parse import quote

from market_data.exchanges.errors import ExchangeError, NoTickersError, RefusedSymbolsError
from market_data.exchanges.kraken import failures
from market_data.exchanges.kraken.names import query_name
from market_data.exchanges.kraken.payloads import decode_candles, decode_pairs, decode_tickers
from market_data.exchanges.protocol import Candle, Request, SymbolListing, TickerAnswer
from market_data.exchanges.response import HttpResponse

_TICKERS = "/0/public/Ticker?assetVersion=1"
_MOST_NAMES = 100
"""Longer lists were refused with 414 or 520."""
_MAX_BYTES = 32 * 1024 * 1024


class Kraken:
    name = "kraken"
    weight_limit = 60
    """One request a second stays inside the limit by address; each counts as one."""

    def usual_symbol(self, base_asset: str, quote_asset: str, *, has_alias: bool) -> str | None:
        return f"{base_asset}/{quote_asset}"

    def ticker_requests(
        self, symbols: Sequence[str], *, batch_size: int, is_suspect: Callable[[str], bool], may_ask_for_all: bool
    ) -> list[Request]:
        """Return one request: its limit counts requests, whatever is in them. The whole market knows no suspects."""
        if not symbols:
            return []
        if may_ask_for_all and (len(symbols) > _MOST_NAMES or any(map(is_suspect, symbols))):
            return [_whole_market(symbols)]
        groups = [symbols[start : start + _MOST_NAMES] for start in range(0, len(symbols), _MOST_NAMES)]
        return [_named(group) for group in groups]

    def read_tickers(self, request: Request, response: HttpResponse) -> TickerAnswer:
        if failures.names_unknown_pair(response) and request.path_and_query != _TICKERS:
            # One unknown name fails the request. The whole market says which are known, in one more.
            return TickerAnswer({}, again=(_whole_market(request.symbols),))
        rows = decode_tickers(response, frozenset(request.symbols))
        if not rows:
            raise NoTickersError(f"{response.host}: an answer brought none of the tickers that were asked for")
        absent = tuple(symbol for symbol in request.symbols if symbol not in rows)
        error = failures.error_beside_rows(response)
        if request.path_and_query == _TICKERS:
            return TickerAnswer(rows, refused=absent, error=error)
        return TickerAnswer(rows, again=(_whole_market(absent),) if absent else (), error=error)

    def list_requests(self) -> Sequence[Request]:
        return [Request("/0/public/AssetPairs", weight=1, max_bytes=_MAX_BYTES)]

    def status_request(self, symbols: Sequence[str]) -> Request | None:
        return Request(f"/0/public/AssetPairs?pair={_names(symbols)}", 1) if len(symbols) <= _MOST_NAMES else None

    def read_list(self, response: HttpResponse) -> SymbolListing:
        if failures.names_unknown_pair(response):
            raise RefusedSymbolsError(f"{response.host} does not know a pair of the list")
        return SymbolListing(decode_pairs(response))

    def candles_request(self, symbol: str) -> Request | None:
        return Request(f"/0/public/OHLC?pair={_names([symbol])}&interval=5", weight=1, symbols=(symbol,))

    def read_candles(self, response: HttpResponse) -> Sequence[Candle]:
        return decode_candles(response)

    def error_of(self, response: HttpResponse) -> ExchangeError | None:
        return failures.error_of(response)

    def used_weight(self, response: HttpResponse) -> int | None:
        return None


def _named(symbols: Sequence[str]) -> Request:
    return Request(f"{_TICKERS}&pair={_names(symbols)}", 1, tuple(symbols))


def _whole_market(symbols: Sequence[str]) -> Request:
    return Request(_TICKERS, 1, tuple(symbols), stands_for_batches=len(symbols) > _MOST_NAMES, max_bytes=_MAX_BYTES)


def _names(symbols: Sequence[str]) -> str:
    return quote(",".join(map(query_name, symbols)), safe=",")

"""Binance spot behind the protocol of all exchanges. Pure."""

import re
from collections.abc import Callable, Sequence

from market_data.exchanges.binance import failures, requests
from market_data.exchanges.binance.payloads import decode_exchange_info, decode_tickers
from market_data.exchanges.errors import ExchangeError, NoTickersError, RefusedSymbolsError
from market_data.exchanges.protocol import Candle, Request, SymbolListing, TickerAnswer
from market_data.exchanges.response import HttpResponse

_PLAIN_COUNT = re.compile(r"\d{1,9}", re.ASCII)


class Binance:
    name = "binance"
    weight_limit = 6000

    def usual_symbol(self, base_asset: str, quote_asset: str, *, has_alias: bool) -> str | None:
        return None if has_alias else base_asset + quote_asset

    def ticker_requests(
        self, symbols: Sequence[str], *, batch_size: int, is_suspect: Callable[[str], bool], may_ask_for_all: bool
    ) -> list[Request]:
        planned = requests.batches(symbols, batch_size, is_suspect)
        is_cheaper_at_once = sum(request.weight for request in planned) > requests.WHOLE_MARKET_WEIGHT
        if may_ask_for_all and is_cheaper_at_once:
            return [requests.whole_market(tuple(symbols), batch_size)]
        return planned

    def read_tickers(self, request: Request, response: HttpResponse) -> TickerAnswer:
        if failures.names_unknown_symbol(response):
            if request.stands_for_batches:
                raise RefusedSymbolsError(f"{response.host} refused a request that names no symbol")
            if len(request.symbols) == 1:
                return TickerAnswer({}, refused=request.symbols)
            return TickerAnswer({}, again=requests.halves(request))
        rows = decode_tickers(response, frozenset(request.symbols))
        # One row that is missing may be the symbol's fault; all of several are the host's.
        if not rows and (request.stands_for_batches or len(request.symbols) > 1):
            raise NoTickersError(f"{response.host}: an answer brought none of the tickers that were asked for")
        if not request.stands_for_batches:
            return TickerAnswer(rows)
        # Whether Binance knows a symbol that has no row there, only a request that names it tells.
        absent = [symbol for symbol in request.symbols if symbol not in rows]
        return TickerAnswer(rows, again=requests.left_open(absent, request.batch_size))

    def list_requests(self) -> Sequence[Request]:
        return requests.exchange_info()

    def status_request(self, symbols: Sequence[str]) -> Request | None:
        return requests.statuses(symbols)

    def read_list(self, response: HttpResponse) -> SymbolListing:
        if failures.names_unknown_symbol(response):
            raise RefusedSymbolsError(f"{response.host} does not know a symbol of the list")
        return decode_exchange_info(response)

    def candles_request(self, symbol: str) -> Request | None:
        return None  # every row brings the change in 24 h

    def read_candles(self, response: HttpResponse) -> Sequence[Candle]:
        return ()

    def error_of(self, response: HttpResponse) -> ExchangeError | None:
        return failures.error_of(response)

    def used_weight(self, response: HttpResponse) -> int | None:
        text = response.headers.get("x-mbx-used-weight-1m", "")
        return int(text) if _PLAIN_COUNT.fullmatch(text) else None

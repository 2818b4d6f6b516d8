"""Which requests Binance is asked, and what they weigh. Pure.

Source of paths, parameters and weights: Binance's REST documentation, state of 2026-07.
"""

import json
from collections.abc import Callable, Sequence
from urllib.parse import quote

from market_data.exchanges.protocol import Request

TICKERS = "/api/v3/ticker/24hr"
EXCHANGE_INFO = "/api/v3/exchangeInfo"
EXCHANGE_INFO_WEIGHT = 20
WHOLE_MARKET_WEIGHT = 80
_TICKER_WEIGHTS = ((20, 2), (100, 40))
_MAX_LIST_BYTES = 64 * 1024 * 1024
_MOST_STATUSES = 200
"""So many names fit into an address; a whole list weighs as much as one question about some symbols."""
_MOST_ASKED_ALONE = 20


def ticker_weight(symbol_count: int) -> int:
    for most_symbols, weight in _TICKER_WEIGHTS:
        if symbol_count <= most_symbols:
            return weight
    return WHOLE_MARKET_WEIGHT


def batches(symbols: Sequence[str], batch_size: int, is_suspect: Callable[[str], bool]) -> list[Request]:
    """Return requests in the symbols' order, those for suspect ones last and alone."""
    usual = [symbol for symbol in symbols if not is_suspect(symbol)]
    groups = [tuple(usual[start : start + batch_size]) for start in range(0, len(usual), batch_size)]
    return [batch(group) for group in (*groups, *((symbol,) for symbol in symbols if is_suspect(symbol)))]


def batch(symbols: tuple[str, ...]) -> Request:
    return Request(f"{TICKERS}?{_symbols_parameter(symbols)}", ticker_weight(len(symbols)), symbols)


def whole_market(symbols: tuple[str, ...], batch_size: int) -> Request:
    """Return the request for every symbol that trades, of which these are wanted."""
    path = f"{TICKERS}?symbolStatus=TRADING"
    return Request(path, WHOLE_MARKET_WEIGHT, symbols, stands_for_batches=True, batch_size=batch_size)


def halves(request: Request) -> tuple[Request, Request]:
    """Return a batch of two or more symbols as two: one unknown name fails it, and Binance does not say which."""
    middle = len(request.symbols) // 2
    return batch(request.symbols[:middle]), batch(request.symbols[middle:])


def left_open(symbols: Sequence[str], batch_size: int) -> tuple[Request, ...]:
    """Return requests for symbols without a row in the whole market's answer.

    A few are probably unknown by now: each is asked for alone, so that it costs no other its answer.
    """
    size = 1 if len(symbols) <= _MOST_ASKED_ALONE else batch_size
    return tuple(batches(symbols, size, lambda symbol: False))


def exchange_info() -> list[Request]:
    """Return the request without permission sets, a fraction of 17 MB, then the whole one for hosts that refuse it."""
    paths = (f"{EXCHANGE_INFO}?showPermissionSets=false", EXCHANGE_INFO)
    return [Request(path, EXCHANGE_INFO_WEIGHT, max_bytes=_MAX_LIST_BYTES) for path in paths]


def statuses(symbols: Sequence[str]) -> Request | None:
    if len(symbols) > _MOST_STATUSES:
        return None
    return Request(f"{EXCHANGE_INFO}?{_symbols_parameter(symbols)}", EXCHANGE_INFO_WEIGHT, max_bytes=_MAX_LIST_BYTES)


def _symbols_parameter(symbols: Sequence[str]) -> str:
    """Return the names as a JSON array; one space in it would fail the request."""
    names = json.dumps(list(symbols), ensure_ascii=False, separators=(",", ":"))
    return f"symbols={quote(names, safe='')}"

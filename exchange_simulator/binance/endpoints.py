"""What Binance answers on each path, given a well-formed request and the market."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from exchange_simulator.binance.errors import ErrorCode, refused
from exchange_simulator.binance.klines import INTERVALS_MS, klines
from exchange_simulator.binance.parameters import SYMBOL_STATUSES, TICKER_STATUSES, Parameters, SymbolSelection
from exchange_simulator.binance.rows import KEYS_BY_TYPE, write_row
from exchange_simulator.binance.weights import EXCHANGE_INFO, KLINES, PING, TICKER_24HR, TIME, UI_KLINES
from exchange_simulator.market import Listing
from exchange_simulator.tickers import Row
from exchange_simulator.view import MarketView, NamedRow

DEFAULT_KLINES, MOST_KLINES = 500, 1000


@dataclass(frozen=True)
class BinanceView(MarketView):
    weight_limit: int

    def row(self, symbol: str, ticker_type: str = "FULL") -> Row | None:
        ticker = self.market.ticker(symbol, self.now_ms, self.world)
        return None if ticker is None else write_row(ticker, KEYS_BY_TYPE[ticker_type])

    def rows(self, payload: Any) -> list[NamedRow]:
        if isinstance(payload, list):
            return [(row.get("symbol") if isinstance(row, dict) else None, row) for row in payload]
        return [(payload["symbol"], payload)] if isinstance(payload, dict) and "symbol" in payload else []

    def with_rows(self, payload: Any, rows: Iterable[NamedRow]) -> Any:
        found = [row for _, row in rows]
        return found if isinstance(payload, list) else (found or [{}])[0]


def _ping(view: BinanceView, parameters: Parameters) -> Any:
    parameters.refuse_unread()
    return {}


def _time(view: BinanceView, parameters: Parameters) -> Any:
    parameters.refuse_unread()
    return {"serverTime": view.exchange_time_ms}


def _ticker_24hr(view: BinanceView, parameters: Parameters) -> Any:
    selection = parameters.selection()
    ticker_type = parameters.ticker_type()
    status = parameters.status(TICKER_STATUSES)
    parameters.refuse_unread()
    symbols = _known_symbols(view, selection)
    if status is not None:
        fitting = [symbol for symbol in symbols if view.market.status(symbol, view.world) == status]
        if selection.is_single and not fitting:
            raise refused(ErrorCode.STATUS_MISMATCH)
        symbols = fitting
    rows = [row for symbol in symbols if (row := view.row(symbol, ticker_type)) is not None]
    if not selection.is_single:
        return rows
    if not rows:
        raise refused(ErrorCode.INVALID_SYMBOL)
    return rows[0]


def _known_symbols(view: BinanceView, selection: SymbolSelection) -> list[str]:
    if selection.symbols is None:
        return view.market.symbols(view.world)
    if len(set(selection.symbols)) < len(selection.symbols):
        raise refused(ErrorCode.SYMBOL_REPEATED)
    if not all(view.market.is_known(symbol, view.world) for symbol in selection.symbols):
        raise refused(ErrorCode.INVALID_SYMBOL)
    return list(selection.symbols)


def _klines(view: BinanceView, parameters: Parameters) -> Any:
    selection = parameters.selection()
    if not selection.is_single:
        raise refused(ErrorCode.MISSING_PARAMETER, name="symbol")
    interval = parameters.get("interval")
    if interval is None:
        raise refused(ErrorCode.MISSING_PARAMETER, name="interval")
    if interval not in INTERVALS_MS:
        raise refused(ErrorCode.INVALID_INTERVAL)
    start_ms, end_ms = parameters.whole_number("startTime"), parameters.whole_number("endTime")
    limit = parameters.whole_number("limit")
    parameters.refuse_unread()
    (symbol,) = _known_symbols(view, selection)
    most = min(DEFAULT_KLINES if limit is None else limit, MOST_KLINES)
    return klines(view, symbol, INTERVALS_MS[interval], start_ms=start_ms, end_ms=end_ms, most=most)


def _exchange_info(view: BinanceView, parameters: Parameters) -> Any:
    selection = parameters.selection()
    permissions = frozenset(parameters.words("permissions"))
    status = parameters.status(SYMBOL_STATUSES)
    shows_permission_sets = parameters.flag("showPermissionSets", default=True)
    parameters.refuse_unread()
    if selection.symbols is not None and (permissions or status):
        raise refused(ErrorCode.BAD_COMBINATION)
    symbols = view.market.listed(view.world)
    if selection.symbols is not None:
        asked = set(_known_symbols(view, selection))
        symbols = [symbol for symbol in symbols if symbol in asked]
    rows = [_listed(view, symbol) for symbol in symbols]
    if status:
        rows = [row for row in rows if row.get("status") == status]
    if permissions:
        rows = [row for row in rows if permissions & _permissions(row)]
    if not shows_permission_sets:
        rows = [{**row, "permissionSets": []} if "permissionSets" in row else row for row in rows]
    return {
        "timezone": "UTC",
        "serverTime": view.exchange_time_ms,
        "rateLimits": _rate_limits(view),
        "exchangeFilters": [],
        "symbols": rows,
    }


def _listed(view: BinanceView, symbol: str) -> Listing:
    """Return the listing under the name and the status that the symbol has now, its base asset renamed with it."""
    row, status = view.market.listing(symbol, view.world), view.market.status(symbol, view.world)
    if row["symbol"] == symbol and row.get("status") == status:
        return row
    quote = row.get("quoteAsset")
    named = {**row, "symbol": symbol, "status": status}
    if row["symbol"] != symbol and isinstance(quote, str) and quote and symbol.endswith(quote) and symbol != quote:
        named["baseAsset"] = symbol.removesuffix(quote)
    return named


def _permissions(row: Listing) -> frozenset[str]:
    sets = [row.get("permissions") or [], *(row.get("permissionSets") or [])]
    found = frozenset(permission for group in sets for permission in group)
    return found or frozenset({"SPOT"})


def is_weight_limit(rate_limit: Mapping[str, Any]) -> bool:
    return rate_limit.get("rateLimitType") == "REQUEST_WEIGHT" and rate_limit.get("interval") == "MINUTE"


def _rate_limits(view: BinanceView) -> list[Mapping[str, Any]]:
    return [{**row, "limit": view.weight_limit} if is_weight_limit(row) else row for row in view.market.rate_limits]


ENDPOINTS: Mapping[str, Callable[[BinanceView, Parameters], Any]] = {
    PING: _ping,
    TIME: _time,
    EXCHANGE_INFO: _exchange_info,
    TICKER_24HR: _ticker_24hr,
    KLINES: _klines,
    UI_KLINES: _klines,
}

"""What the exchange answers on each path, given a well-formed request and the market."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exchange_simulator.errors import ErrorCode, RequestRefusedError
from exchange_simulator.market import Listing, Market
from exchange_simulator.parameters import SYMBOL_STATUSES, TICKER_STATUSES, Parameters, SymbolSelection
from exchange_simulator.tickers import KEYS_BY_TYPE, Row, write_row
from exchange_simulator.weights import EXCHANGE_INFO, PING, TICKER_24HR, TIME
from exchange_simulator.world import World


@dataclass(frozen=True)
class MarketView:
    """The market at one instant (Unix ms of this machine), as the faults leave it, and what is asked of it."""

    market: Market
    now_ms: int
    world: World
    weight_limit: int
    target: str
    """Path and query of the request."""

    @property
    def exchange_time_ms(self) -> int:
        return self.now_ms + self.world.clock_offset_ms

    def row(self, symbol: str, ticker_type: str = "FULL") -> Row | None:
        ticker = self.market.ticker(symbol, self.now_ms, self.world)
        return None if ticker is None else write_row(ticker, KEYS_BY_TYPE[ticker_type])


def _ping(view: MarketView, parameters: Parameters) -> Any:
    parameters.refuse_unread()
    return {}


def _time(view: MarketView, parameters: Parameters) -> Any:
    parameters.refuse_unread()
    return {"serverTime": view.exchange_time_ms}


def _ticker_24hr(view: MarketView, parameters: Parameters) -> Any:
    selection = parameters.selection()
    ticker_type = parameters.ticker_type()
    status = parameters.status(TICKER_STATUSES)
    parameters.refuse_unread()
    symbols = _known_symbols(view, selection)
    if status is not None:
        fitting = [symbol for symbol in symbols if view.market.status(symbol, view.world) == status]
        if selection.is_single and not fitting:
            raise RequestRefusedError(ErrorCode.STATUS_MISMATCH)
        symbols = fitting
    rows = [row for symbol in symbols if (row := view.row(symbol, ticker_type)) is not None]
    if not selection.is_single:
        return rows
    if not rows:
        raise RequestRefusedError(ErrorCode.INVALID_SYMBOL)
    return rows[0]


def _known_symbols(view: MarketView, selection: SymbolSelection) -> list[str]:
    if selection.symbols is None:
        return view.market.symbols(view.world)
    if len(set(selection.symbols)) < len(selection.symbols):
        raise RequestRefusedError(ErrorCode.SYMBOL_REPEATED)
    if not all(view.market.is_known(symbol, view.world) for symbol in selection.symbols):
        raise RequestRefusedError(ErrorCode.INVALID_SYMBOL)
    return list(selection.symbols)


def _exchange_info(view: MarketView, parameters: Parameters) -> Any:
    selection = parameters.selection()
    permissions = frozenset(parameters.words("permissions"))
    status = parameters.status(SYMBOL_STATUSES)
    shows_permission_sets = parameters.flag("showPermissionSets", default=True)
    parameters.refuse_unread()
    if selection.symbols is not None and (permissions or status):
        raise RequestRefusedError(ErrorCode.BAD_COMBINATION)
    rows = view.market.listed(view.world)
    if selection.symbols is not None:
        asked = set(_known_symbols(view, selection))
        rows = [row for row in rows if row["symbol"] in asked]
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


def _permissions(row: Listing) -> frozenset[str]:
    sets = [row.get("permissions") or [], *(row.get("permissionSets") or [])]
    found = frozenset(permission for group in sets for permission in group)
    return found or frozenset({"SPOT"})


def is_weight_limit(rate_limit: Mapping[str, Any]) -> bool:
    return rate_limit.get("rateLimitType") == "REQUEST_WEIGHT" and rate_limit.get("interval") == "MINUTE"


def _rate_limits(view: MarketView) -> list[Mapping[str, Any]]:
    return [{**row, "limit": view.weight_limit} if is_weight_limit(row) else row for row in view.market.rate_limits]


ENDPOINTS: Mapping[str, Callable[[MarketView, Parameters], Any]] = {
    PING: _ping,
    TIME: _time,
    EXCHANGE_INFO: _exchange_info,
    TICKER_24HR: _ticker_24hr,
}

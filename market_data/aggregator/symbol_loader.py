"""Keeps the exchange's list of symbols: at start, hourly, sooner where a pair needs it, never in a cycle's way."""

import logging
import threading
from collections.abc import Callable

from market_data.aggregator.backoff import ExponentialBackoff
from market_data.aggregator.errors import ExchangeError, RefusedRequestError, RefusedSymbolsError
from market_data.aggregator.gateway import ExchangeGateway
from market_data.aggregator.payloads import ExchangeInfo, decode_exchange_info
from market_data.aggregator.request_weight import EXCHANGE_INFO_WEIGHT
from market_data.aggregator.symbols import SymbolList

logger = logging.getLogger(__name__)

RELOAD_SECONDS = 3600.0
SOONEST_RELOAD_SECONDS = 30.0
UNSETTLED_RELOAD_SECONDS = 300.0
_LOAD_TIMEOUT_SECONDS = 30.0
_MAX_BYTES = 64 * 1024 * 1024
# Without the permission sets the list is a fraction of its 17 MB; a host that does not know the parameter gets none.
_PATH = "/api/v3/exchangeInfo"
_LEAN_PATH = f"{_PATH}?showPermissionSets=false"


class SymbolLoader:
    """Loads the list on a thread of its own and offers the last one that came."""

    def __init__(
        self,
        gateway: ExchangeGateway,
        *,
        retry: ExponentialBackoff,
        monotonic: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._gateway = gateway
        self._retry = retry
        self._monotonic = monotonic
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._failures = 0
        self._next_load_at = 0.0
        self._doubted_at: dict[str, float] = {}
        self.symbols: SymbolList | None = None
        self.loaded_at_ms: int | None = None
        self.loaded_at: float | None = None
        """Instant of the monotonic clock at which the present list was asked for."""
        self.error: str | None = None

    def load_if_due(self) -> None:
        """Begin a load where one is due and none is under way; return at once."""
        with self._lock:
            is_under_way = self._thread is not None and self._thread.is_alive()
            if is_under_way or self._monotonic() < self._next_load_at:
                return
            self._thread = threading.Thread(target=self._load, name="symbol-list", daemon=True)
            self._thread.start()

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for a load under way to end, this long at most; return whether it has."""
        if self._thread is None:
            return True
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def settle_doubt(self, symbol: str, *, is_doubtful: bool) -> bool:
        """Tell whether the symbol trades, where its row leaves a doubt: only a list younger than the doubt says so."""
        with self._lock:
            if not is_doubtful:
                self._doubted_at.pop(symbol, None)
                return True
            doubted_at = self._doubted_at.setdefault(symbol, self._monotonic())
            is_newer = self.loaded_at is not None and self.loaded_at >= doubted_at
            if is_newer and self.symbols is not None and self.symbols.is_trading(symbol):
                return True
        self.want_reload(0)
        return False

    def want_reload(self, within_seconds: float) -> None:
        """Ask for a new list once the present one is this old, but never more than twice a minute."""
        with self._lock:
            if self.loaded_at is not None:
                earliest = self.loaded_at + max(SOONEST_RELOAD_SECONDS, within_seconds)
                self._next_load_at = min(self._next_load_at, earliest)

    def _load(self) -> None:
        asked_at = self._monotonic()
        try:
            info = self._ask()
        except ExchangeError as error:
            self._note_failure(str(error))
            return
        if info.weight_limit is not None:
            self._gateway.budget.set_limit(info.weight_limit)
        with self._lock:
            if self._failures:
                logger.warning("the list of symbols is loaded again, after %d failures", self._failures)
            self._failures = 0
            self.error = None
            self.symbols = SymbolList(info.symbols)
            self.loaded_at_ms = self._now_ms()
            self.loaded_at = asked_at
            self._next_load_at = asked_at + RELOAD_SECONDS

    def _ask(self) -> ExchangeInfo:
        deadline = self._monotonic() + _LOAD_TIMEOUT_SECONDS
        try:
            return self._request(_LEAN_PATH, deadline)
        except (RefusedRequestError, RefusedSymbolsError):
            return self._request(_PATH, deadline)

    def _request(self, path: str, deadline: float) -> ExchangeInfo:
        return self._gateway.request(
            path, decode_exchange_info, weight=EXCHANGE_INFO_WEIGHT, deadline=deadline, max_bytes=_MAX_BYTES
        ).content

    def _note_failure(self, reason: str) -> None:
        with self._lock:
            self._failures += 1
            self.error = reason
            self._next_load_at = self._monotonic() + self._retry.delay_seconds(self._failures)
            if self._failures == 1:
                logger.warning("the list of symbols cannot be loaded, going on without a new one: %s", reason)

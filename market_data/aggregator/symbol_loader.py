"""Keeps the exchange's list of symbols: at start, hourly, sooner where a pair needs it, never in a cycle's way.

Between two loads the status of the configured symbols is checked, at a fraction of the cost: a symbol that is halted
may keep a row that looks alive, and nothing but its status tells.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from market_data.aggregator.batches import symbols_parameter
from market_data.aggregator.symbols import SymbolList
from market_data.exchanges.backoff import ExponentialBackoff
from market_data.exchanges.binance.payloads import ExchangeInfo, ListedSymbol, decode_exchange_info
from market_data.exchanges.errors import (
    ExchangeError,
    MalformedAnswerError,
    RateLimitedError,
    RefusedRequestError,
    RefusedSymbolsError,
)
from market_data.exchanges.gateway import ExchangeGateway
from market_data.exchanges.request_weight import EXCHANGE_INFO_WEIGHT
from market_data.ticker_cache.status import PairStatus

logger = logging.getLogger(__name__)

RELOAD_SECONDS = 3600.0
SOONEST_RELOAD_SECONDS = 30.0
STATUS_CHECK_SECONDS = 30.0
_SOONEST_CHECK_SECONDS = 5.0
_YOUNG_LIST_SECONDS = 5.0
_DOUBTFUL_LISTS_REFUSED = 3
SYMBOLS_PER_CHECK = 200
# While pairs cannot be priced, the list is loaded again after half a minute, then after twice as long each time.
_FIRST_UNSETTLED_RELOAD_SECONDS = SOONEST_RELOAD_SECONDS
_MAX_DOUBLINGS = 6
# It takes one of the few connections: shorter than a price lives, so that even an only one is free again in time.
_LOAD_TIMEOUT_SECONDS = 8.0
_MAX_BYTES = 64 * 1024 * 1024
# Without the permission sets the list is a fraction of its 17 MB; a host that does not know the parameter gets none.
PATH = "/api/v3/exchangeInfo"
LEAN_PATH = f"{PATH}?showPermissionSets=false"


ListDoubt = Callable[[SymbolList, SymbolList | None], str | None]
"""Says of a new list, given the present one, why it is not to be trusted at once, or None."""


class BackgroundJob(Protocol):
    """A job that was started and may still run: a thread, or a stand-in where time is simulated."""

    def is_alive(self) -> bool: ...

    def join(self, timeout: float | None = None) -> None: ...


def on_a_thread(job: Callable[[], None]) -> BackgroundJob:
    """Start the job on a thread of its own, which does not keep the process from ending."""
    thread = threading.Thread(target=job, name="symbol-list", daemon=True)
    thread.start()
    return thread


class SymbolLoader:
    """Loads the list on a thread of its own and offers the last one that came."""

    def __init__(
        self,
        gateway: ExchangeGateway,
        *,
        retry: ExponentialBackoff,
        doubt: ListDoubt,
        monotonic: Callable[[], float],
        now_ms: Callable[[], int],
        start: Callable[[Callable[[], None]], BackgroundJob] = on_a_thread,
    ) -> None:
        self._gateway = gateway
        self._start = start
        self._retry = retry
        self._doubt = doubt
        self._monotonic = monotonic
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._thread: BackgroundJob | None = None
        self._failures = 0
        self._next_load_at = 0.0
        self._next_check_at = 0.0
        self._failed_checks = 0
        self._told_at = 0.0
        self._checked: Mapping[str, float] = {}
        self._unsettled: frozenset[str] = frozenset()
        self._loads_in_vain = 0
        self._doubted_at: dict[str, float] = {}
        self._undoubted: set[str] = set()
        self.symbols: SymbolList | None = None
        self.known_pairs: Mapping[str, PairStatus] = {}
        """What an earlier fetcher knew of the pairs, until there is a list."""
        self.loaded_at_ms: int | None = None
        self.loaded_at: float | None = None
        """Instant of the monotonic clock at which the present list was asked for."""
        self.error: str | None = None

    def load_if_due(self, in_use: Sequence[str] = ()) -> None:
        """Begin a load, or a check of the symbols in use, where it is due and none is under way; return at once."""
        with self._lock:
            now = self._monotonic()
            if self._thread is not None and self._thread.is_alive():
                return
            if now >= self._next_load_at:
                job = self._load
            elif in_use and self.symbols is not None and now >= self._next_check_at:
                # A whole list weighs as much as one check of a part of it.
                job = partial(self._check, in_use) if len(in_use) <= SYMBOLS_PER_CHECK else self._load
            else:
                return
            self._thread = self._start(job)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for a load under way to end, this long at most; return whether it has."""
        if self._thread is None:
            return True
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def settle_doubt(self, symbol: str, *, is_doubtful: bool) -> bool:
        """Tell whether the symbol trades, where its row leaves a doubt: only what the exchange lists later says so."""
        with self._lock:
            if not is_doubtful:
                self._doubted_at.pop(symbol, None)
                self._undoubted.add(symbol)
                return True
            doubted_at = self._doubted_at.setdefault(symbol, self._doubt_begins_at(symbol))
            told_at = self._checked.get(symbol, self.loaded_at)
            is_newer = told_at is not None and told_at >= doubted_at
            if is_newer and self.symbols is not None and self.symbols.is_trading(symbol):
                return True
            if not self._failed_checks:
                self._next_check_at = min(self._next_check_at, self._told_at + _SOONEST_CHECK_SECONDS)
        self.want_reload(0)
        return False

    def _doubt_begins_at(self, symbol: str) -> float:
        """Return now; for a symbol that nobody ever saw without doubt, the instant of a list that has just come."""
        now = self._monotonic()
        if symbol in self._undoubted or self.loaded_at is None:
            return now
        return self.loaded_at if now - self.loaded_at < _YOUNG_LIST_SECONDS else now

    def note_unsettled(self, pairs: frozenset[str]) -> None:
        """Ask for new lists while these pairs cannot be priced, ever more rarely as long as they are the same."""
        with self._lock:
            if pairs != self._unsettled:
                self._unsettled, self._loads_in_vain = pairs, 0
            doublings = min(self._loads_in_vain, _MAX_DOUBLINGS)
        if pairs:
            self.want_reload(_FIRST_UNSETTLED_RELOAD_SECONDS * 2**doublings)

    def want_reload(self, within_seconds: float) -> None:
        """Ask for a new list once the present one is this old, but never more than twice a minute."""
        with self._lock:
            if self.loaded_at is not None and not self._failures:
                earliest = self.loaded_at + max(SOONEST_RELOAD_SECONDS, within_seconds)
                self._next_load_at = min(self._next_load_at, earliest)

    def _load(self) -> None:
        asked_at = self._monotonic()
        try:
            info = self._ask()
            symbols = self._trusted(SymbolList(info.symbols))
        except ExchangeError as error:
            self._note_failure(error)
            return
        if info.weight_limit is not None:
            self._gateway.budget.set_limit(info.weight_limit)
        with self._lock:
            if self._failures:
                logger.warning("the list of symbols is loaded again, after %d failures", self._failures)
            self._failures = 0
            self.error = None
            self.symbols = symbols
            self.loaded_at_ms = self._now_ms()
            self.loaded_at = asked_at
            self._loads_in_vain += 1
            self._note_told(asked_at, {})
            self._next_load_at = asked_at + RELOAD_SECONDS

    def _check(self, names: Sequence[str]) -> None:
        asked_at = self._monotonic()
        try:
            listed = self._ask_status(names)
        except ExchangeError as error:
            with self._lock:
                self._failed_checks += 1
                wait = max(STATUS_CHECK_SECONDS, self._retry.delay_seconds(self._failed_checks))
                self._next_check_at = self._monotonic() + wait
            if isinstance(error, RefusedSymbolsError):
                self.want_reload(0)
            return
        with self._lock:
            if self.symbols is not None:
                self.symbols = self.symbols.updated(listed)
            self._note_told(asked_at, dict.fromkeys((symbol.symbol for symbol in listed), asked_at))

    def _note_told(self, asked_at: float, checked: Mapping[str, float]) -> None:
        self._failed_checks = 0
        self._told_at = asked_at
        self._checked = checked
        self._next_check_at = asked_at + STATUS_CHECK_SECONDS

    def _ask_status(self, names: Sequence[str]) -> Sequence[ListedSymbol]:
        deadline = self._monotonic() + _LOAD_TIMEOUT_SECONDS
        return self._request(f"{PATH}?{symbols_parameter(names)}", deadline).symbols

    def _ask(self) -> ExchangeInfo:
        deadline = self._monotonic() + _LOAD_TIMEOUT_SECONDS
        try:
            return self._request(LEAN_PATH, deadline)
        except (RefusedRequestError, RefusedSymbolsError):
            return self._request(PATH, deadline)

    def _request(self, path: str, deadline: float) -> ExchangeInfo:
        return self._gateway.request(
            path, decode_exchange_info, weight=EXCHANGE_INFO_WEIGHT, deadline=deadline, max_bytes=_MAX_BYTES
        ).content

    def _trusted(self, symbols: SymbolList) -> SymbolList:
        """Return the list; raise `MalformedAnswerError` where it leaves a doubt, unless the exchange insists on it."""
        reason = self._doubt(symbols, self.symbols)
        if reason and self._failures < _DOUBTFUL_LISTS_REFUSED:
            raise MalformedAnswerError(reason)
        return symbols

    def _note_failure(self, error: ExchangeError) -> None:
        # After a 429 the prices come first: the list waits for longer than they do.
        wait_seconds = error.retry_after_seconds if isinstance(error, RateLimitedError) else 0.0
        with self._lock:
            self._failures += 1
            self.error = str(error)
            self._next_load_at = self._monotonic() + wait_seconds + self._retry.delay_seconds(self._failures)
            self._next_check_at = max(self._next_check_at, self._next_load_at)
            if self._failures == 1:
                logger.warning("the list of symbols cannot be loaded, going on without a new one: %s", error)

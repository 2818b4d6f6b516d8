"""An exchange's list of symbols, kept current beside the refresh cycles, never in their way."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from market_data.aggregator.symbol_schedule import SymbolSchedule
from market_data.aggregator.trading_doubts import TradingDoubts
from market_data.exchanges.errors import (
    ExchangeError,
    MalformedAnswerError,
    OutOfTimeError,
    RateLimitedError,
    RefusedSymbolsError,
)
from market_data.exchanges.gateway import ExchangeGateway
from market_data.exchanges.protocol import Exchange, Request, SymbolListing
from market_data.exchanges.symbols import SymbolList
from market_data.logs.incidents import IncidentLog
from market_data.ticker.clock import Clock

logger = logging.getLogger(__name__)

FAILURE = "the list of symbols cannot be loaded, going on without a new one"
_DOUBTFUL_LISTS_REFUSED = 3
# It takes one of the few connections: shorter than a price lives, so that even an only one is free again in time.
_TIMEOUT_SECONDS = 8.0

Distrust = Callable[[SymbolList, SymbolList | None], str | None]
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


@dataclass(slots=True)
class _Question:
    """One question under way; `symbols` is None for the whole list. The thread that asks fills in `answer`."""

    requests: Sequence[Request]
    symbols: Sequence[str] | None
    asked_at: float
    answer: SymbolListing | ExchangeError = field(default_factory=lambda: OutOfTimeError("asking ended by an error"))


class SymbolBook:
    """Belongs to the thread of the refresh cycles: what a question brought is taken in when the next cycle begins."""

    def __init__(
        self,
        exchange: Exchange,
        gateway: ExchangeGateway,
        *,
        schedule: SymbolSchedule,
        distrust: Distrust,
        clock: Clock,
        start: Callable[[Callable[[], None]], BackgroundJob] = on_a_thread,
    ) -> None:
        self._exchange = exchange
        self._gateway = gateway
        self._schedule = schedule
        self._doubts = TradingDoubts()
        self._distrust = distrust
        self._clock = clock
        self._start = start
        self._incidents = IncidentLog(logger, clock.monotonic)
        self._job: BackgroundJob | None = None
        self._question: _Question | None = None
        self._told_at: dict[str, float] = {}
        self.symbols: SymbolList | None = None
        self.loaded_at_ms: int | None = None
        self.error: str | None = None

    @property
    def loaded_at(self) -> float | None:
        """When the present list was asked for, in seconds of the monotonic clock."""
        return self._schedule.loaded_at

    def keep_current(self, in_use: Sequence[str], *, may_ask: bool) -> None:
        """Take in what has come, and ask for what is due; return at once."""
        if self._job is not None and self._job.is_alive():
            return
        self._job = None
        if self._question is not None:
            question, self._question = self._question, None
            self._take_in(question)
        if may_ask:
            self._ask_if_due(in_use)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for a question under way, this long at most; tell whether it is over, and take in what it brought."""
        if self._job is not None:
            self._job.join(timeout_seconds)
        self.keep_current((), may_ask=False)
        return self._job is None

    def trades(self, symbol: str, *, is_doubtful: bool) -> bool:
        """Tell whether the symbol trades, given what its row looks like."""
        if not is_doubtful:
            self._doubts.clear(symbol)
            return True
        told_at = self._told_at.get(symbol, self.loaded_at)
        now = self._clock.monotonic()
        is_answered = self._doubts.is_answered(symbol, now, listed_at=self.loaded_at, told_at=told_at)
        if is_answered and self.symbols is not None and self.symbols.is_trading(symbol):
            return True
        self._schedule.want_check()
        self._schedule.want_load()
        return False

    def has_refused(self) -> None:
        """Note that the exchange does not know a symbol of the list: it has changed."""
        self._schedule.want_load()

    def note_unsettled(self, pairs: frozenset[str]) -> None:
        """Ask for new lists as long as these pairs cannot be priced."""
        self._schedule.note_unsettled(pairs)

    def _ask_if_due(self, in_use: Sequence[str]) -> None:
        now = self._clock.monotonic()
        question = None
        if self._schedule.is_load_due(now):
            question = self._question_for_list(now)
        elif in_use and self._schedule.is_check_due(now):
            status = self._exchange.status_request(in_use)
            question = _Question([status], in_use, now) if status else self._question_for_list(now)
        if question is not None:
            self._question = question
            self._job = self._start(lambda: self._ask(question))

    def _question_for_list(self, now: float) -> _Question:
        return _Question(self._exchange.list_requests(), None, now)

    def _ask(self, question: _Question) -> None:
        try:
            question.answer = self._gateway.symbol_listing(
                question.requests, question.asked_at + _TIMEOUT_SECONDS
            ).content
        except ExchangeError as error:
            question.answer = error

    def _take_in(self, question: _Question) -> None:
        answer = question.answer
        if question.symbols is not None:
            self._take_in_statuses(question.asked_at, answer)
            return
        if isinstance(answer, SymbolListing):
            symbols = SymbolList(answer.symbols)
            reason = self._distrust(symbols, self.symbols)
            if reason is None or self._schedule.failed_loads >= _DOUBTFUL_LISTS_REFUSED:
                self._take_in_list(question.asked_at, symbols, answer.weight_limit)
                return
            answer = MalformedAnswerError(reason)
        wait_seconds = answer.retry_after_seconds if isinstance(answer, RateLimitedError) else 0.0
        self._schedule.load_failed(self._clock.monotonic(), wait_seconds)
        self.error = str(answer)
        self._incidents.began(FAILURE, self.error)

    def _take_in_list(self, asked_at: float, symbols: SymbolList, weight_limit: int | None) -> None:
        if weight_limit is not None:
            self._gateway.budget.set_limit(weight_limit)
        self._schedule.load_succeeded(asked_at)
        self._incidents.over(FAILURE)
        self.error = None
        self.symbols = symbols
        self.loaded_at_ms = self._clock.now_ms()
        self._told_at = {}

    def _take_in_statuses(self, asked_at: float, answer: SymbolListing | ExchangeError) -> None:
        if isinstance(answer, ExchangeError):
            self._schedule.check_failed(self._clock.monotonic())
            if isinstance(answer, RefusedSymbolsError):
                self._schedule.want_load()
        elif self.symbols is not None:
            self._schedule.check_succeeded(asked_at)
            self.symbols = self.symbols.updated(answer.symbols)
            self._told_at = dict.fromkeys((listed.symbol for listed in answer.symbols), asked_at)

"""Makes the requests of one refresh cycle as planned: a probe after trouble, then everything, then what was left."""

from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import TYPE_CHECKING

from market_data.aggregator.batches import make_batches
from market_data.aggregator.request_plan import PlanLimits, RequestPlan, plan_requests
from market_data.aggregator.ticker_request import TickerRequest
from market_data.exchanges.circuit_breaker import CircuitState
from market_data.exchanges.errors import (
    ExchangeError,
    ExchangeTimeoutError,
    ExchangeUnavailableError,
    MalformedAnswerError,
    NoTickersError,
    RefusedRequestError,
    RefusedSymbolsError,
)

if TYPE_CHECKING:
    from market_data.aggregator.refresh_cycle import AggregatorParts

# The answer itself was of no use: batches may do better at once.
_BAD_ANSWERS = (MalformedAnswerError, NoTickersError, RefusedRequestError, RefusedSymbolsError)
# The exchange may be in trouble, or the answer too large for the way: no further request now, batches next time.
_OUTAGES = (ExchangeTimeoutError, ExchangeUnavailableError)
_MOST_ASKED_ALONE = 20


class CycleRequests:
    """Asks for symbols until a deadline of the monotonic clock, or until told to stop.

    `results` holds the symbols that something is known of by now, `asked` those that were asked for.
    """

    def __init__(
        self,
        parts: "AggregatorParts",
        request: TickerRequest,
        *,
        number: int,
        deadline: float,
        should_stop: Callable[[], bool],
        results: Container[str],
        asked: set[str],
        on_error: Callable[[Sequence[str], ExchangeError], None],
    ) -> None:
        self._parts = parts
        self._request = request
        self._number = number
        self._deadline = deadline
        self._should_stop = should_stop
        self._results = results
        self._asked = asked
        self._on_error = on_error

    def make(self, symbols: Sequence[str]) -> None:
        """Ask for the symbols, each at least once unless trouble or the deadline comes first."""
        plan = self._plan(symbols)
        if not plan.whole_market:
            self._run_batches(plan.batches)
        else:
            if self._needs_probe():
                self._run_batches(self._batches(symbols)[:1])
            self._run([partial(self._fetch_whole_market, self._without_result(symbols))])
            self._run_batches(self._left_over(symbols))
        if self._should_stop():
            self._parts.gateway.cancel_all()

    def _plan(self, symbols: Sequence[str]) -> RequestPlan:
        parts, settings = self._parts, self._parts.settings
        limits = PlanLimits(
            batch_size=settings.batch_size,
            max_concurrent=settings.max_concurrent_batches,
            round_trip_seconds=parts.answer_times.shortest_seconds,
            cycle_seconds=settings.cycle_deadline_ms / 1000,
            spare_weight=parts.gateway.budget.spare_weight(),
        )
        is_usable = parts.whole_market.is_usable(self._number)
        return plan_requests(symbols, limits, parts.quarantine.is_suspect, is_whole_market_usable=is_usable)

    def _needs_probe(self) -> bool:
        is_closed = self._parts.breaker.snapshot().state is CircuitState.CLOSED
        return not is_closed or self._parts.gateway.hosts.needs_probe

    def _run_batches(self, batches: Sequence[Sequence[str]]) -> None:
        jobs = [partial(self._fetch_batch, batch) for batch in batches]
        # After trouble one batch goes ahead as a probe and decides for the others.
        for part in [jobs[:1], jobs[1:]] if self._needs_probe() else [jobs]:
            self._run(part)

    def _run(self, jobs: Sequence[Callable[[], None]]) -> None:
        self._parts.run_jobs(
            jobs,
            max_concurrent=self._parts.settings.max_concurrent_batches,
            deadline=self._deadline,
            monotonic=self._parts.monotonic,
            should_stop=self._should_stop,
        )

    def _fetch_batch(self, symbols: Sequence[str]) -> None:
        self._asked.update(symbols)
        self._request.fetch(symbols, self._deadline)

    def _fetch_whole_market(self, symbols: Sequence[str]) -> None:
        trust = self._parts.whole_market
        self._asked.update(symbols)
        trust.asked(self._number)
        try:
            self._request.fetch_whole_market(symbols, self._deadline)
        except _BAD_ANSWERS as error:
            trust.answer_was_bad(str(error))
            self._on_error((), error)
        except ExchangeError as error:
            if not isinstance(error, _OUTAGES):
                trust.was_not_tried()
            self._on_error(symbols, error)
        else:
            trust.succeeded()

    def _left_over(self, symbols: Sequence[str]) -> list[tuple[str, ...]]:
        """Return batches of the symbols that the whole market's answer said nothing about.

        A few are probably unknown by now: each is asked for alone, so that it costs no other its answer.
        """
        if self._should_stop() or self._parts.monotonic() >= self._deadline:
            return []
        absent = self._without_result(symbols)
        self._asked.difference_update(absent)
        return self._batches(absent, each_alone=len(absent) <= _MOST_ASKED_ALONE)

    def _batches(self, symbols: Sequence[str], *, each_alone: bool = False) -> list[tuple[str, ...]]:
        size = 1 if each_alone else self._parts.settings.batch_size
        return make_batches(symbols, size, self._parts.quarantine.is_suspect)

    def _without_result(self, symbols: Sequence[str]) -> list[str]:
        return [symbol for symbol in symbols if symbol not in self._results]

"""One pass over pairs: resolve, batch, fetch, assess, write each answer to the cache as it comes."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from market_data.aggregator.answer_times import AnswerTimes
from market_data.aggregator.batch_runner import run_until
from market_data.aggregator.cycle_requests import CycleRequests
from market_data.aggregator.flights import Flight, Flights, SymbolResult
from market_data.aggregator.history import PriceHistory
from market_data.aggregator.latest_records import LatestRecords
from market_data.aggregator.quarantine import Quarantine
from market_data.aggregator.sanity import Quote, assess_row, has_empty_book
from market_data.aggregator.symbol_loader import SymbolLoader
from market_data.aggregator.symbols import ResolvedPair, resolve_pair
from market_data.aggregator.ticker_request import Rows, TickerRequest
from market_data.aggregator.whole_market import WholeMarketTrust
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.circuit_breaker import CircuitBreaker
from market_data.exchanges.errors import ExchangeError, OutOfTimeError, RefusedSymbolsError
from market_data.exchanges.gateway import ExchangeGateway
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.cache import TickerCache

# A pair that a cycle had no time for keeps its last outcome for so many cycles.
_CYCLES_UNTIL_ITS_TURN = 3


@dataclass(frozen=True, slots=True)
class AggregatorParts:
    """What the aggregator is made of; `token` is the lease under which it writes."""

    settings: MarketDataSettings
    cache: TickerCache
    token: str
    gateway: ExchangeGateway
    breaker: CircuitBreaker
    symbols: SymbolLoader
    quarantine: Quarantine
    flights: Flights
    latest: LatestRecords
    history: PriceHistory
    monotonic: Callable[[], float]
    now_ms: Callable[[], int]
    answer_times: AnswerTimes = field(default_factory=AnswerTimes)
    whole_market: WholeMarketTrust = field(default_factory=WholeMarketTrust)
    run_jobs: Callable[..., None] = run_until
    """What runs the batches of a cycle: `run_until`, or a stand-in where time is simulated."""


@dataclass(frozen=True, slots=True)
class CycleReport:
    """How a cycle ended: pairs as resolved, an outcome each, how many prices were written, why none was.

    `left_over` counts the pairs that the cycle had no time to ask for; a later one asks for them first.
    `received_at_ms` is the Unix ms of the oldest answer among those that brought a price. `has_asked` says whether
    there was anything to ask the exchange for.
    """

    pairs: Mapping[str, ResolvedPair]
    outcomes: Mapping[str, PairOutcome]
    written: int
    duration_ms: int
    error: str | None
    left_over: int = 0
    received_at_ms: int | None = None
    has_asked: bool = True


class RefreshCycle:
    """Fetches pairs once, by a deadline of the monotonic clock, unless told to stop before."""

    def __init__(
        self,
        parts: AggregatorParts,
        pairs: Sequence[str],
        *,
        number: int,
        deadline: float,
        should_stop: Callable[[], bool],
    ) -> None:
        self._parts = parts
        self._number = number
        self._deadline = deadline
        self._should_stop = should_stop
        symbols, aliases = parts.symbols.symbols, parts.settings.quote_aliases
        known = parts.symbols.known_pairs
        self._pairs = {pair: resolve_pair(pair, symbols, aliases, known.get(pair)) for pair in pairs}
        self._pairs_of: dict[str, list[str]] = {}
        for pair, resolved in self._pairs.items():
            if resolved.symbol and resolved.refusal is None:
                self._pairs_of.setdefault(resolved.symbol, []).append(pair)
        self._own: Mapping[str, Flight] = {}
        self._asked: set[str] = set()
        self._results: dict[str, SymbolResult] = {}
        self._error: ExchangeError | None = None
        self._written = 0
        self._is_over = False
        self._lock = threading.Lock()

    def run(self) -> CycleReport:
        """Return the report; raise `CacheUnavailableError` or `LeaseLostError` where prices cannot be written."""
        started_at = self._parts.monotonic()
        wanted = self._wanted_symbols()
        self._own, others = self._parts.flights.claim(self._parts.latest.longest_waiting_first(wanted))
        try:
            self._fetch(list(self._own))
        finally:
            with self._lock:
                self._is_over = True
            for symbol, flight in self._own.items():
                self._parts.flights.land(flight, self._result_of(symbol))
        self._take_over(Flights.join(others.values(), self._deadline, self._parts.monotonic))
        outcomes = {pair: resolved.refusal or self._outcome_of(resolved) for pair, resolved in self._pairs.items()}
        self._ask_for_symbols_again(outcomes)
        left_over = sum(len(self._pairs_of[symbol]) for symbol in self._own if symbol not in self._asked)
        duration_ms = round((self._parts.monotonic() - started_at) * 1000)
        received_at_ms = min((result.received_at_ms for result in self._results.values() if result.quote), default=None)
        error = self._reason(outcomes)
        return CycleReport(
            self._pairs,
            outcomes,
            self._written,
            duration_ms,
            error,
            left_over,
            received_at_ms,
            has_asked=bool(self._asked),
        )

    def _wanted_symbols(self) -> list[str]:
        resting = [symbol for symbol in self._pairs_of if self._parts.quarantine.is_resting(symbol)]
        self._results.update(dict.fromkeys(resting, SymbolResult(PairOutcome.UNKNOWN_SYMBOL)))
        return [symbol for symbol in self._pairs_of if symbol not in self._results]

    def _fetch(self, symbols: Sequence[str]) -> None:
        request = TickerRequest(
            self._parts.gateway,
            self._parts.breaker,
            answer_times=self._parts.answer_times,
            cycle_seconds=self._parts.settings.cycle_deadline_ms / 1000,
            monotonic=self._parts.monotonic,
            on_rows=self._on_rows,
            on_error=self._on_error,
        )
        CycleRequests(
            self._parts,
            request,
            number=self._number,
            deadline=self._deadline,
            should_stop=self._should_stop,
            results=self._results,
            asked=self._asked,
            on_error=self._on_error,
        ).make(symbols)

    def _on_rows(self, symbols: Sequence[str], rows: Rows) -> None:
        latest_ms = max(rows.answer.received_at_ms, rows.answer.exchange_now_ms)
        results = {symbol: self._assess(symbol, rows, latest_ms) for symbol in symbols}
        written = self._write(results, rows.answer.source)
        if not self._note(results, written, None):
            return
        for symbol, result in results.items():
            self._parts.quarantine.remove(symbol)
            self._parts.latest.note_answer(symbol, self._number, result.outcome)
            self._parts.flights.land(self._own[symbol], result)

    def _on_error(self, symbols: Sequence[str], error: ExchangeError) -> None:
        self._note(dict.fromkeys(symbols, SymbolResult(error.outcome)), 0, error)
        if isinstance(error, OutOfTimeError):
            self._asked.difference_update(symbols)
        if isinstance(error, RefusedSymbolsError):
            for symbol in symbols:
                self._parts.quarantine.add(symbol)
            self._parts.symbols.want_reload(0)

    def _note(self, results: Mapping[str, SymbolResult], written: int, error: ExchangeError | None) -> bool:
        """Take down what a batch brought; return False, taking down nothing, where the cycle is over by now."""
        with self._lock:
            if self._is_over:
                return False
            self._results.update(results)
            self._written += written
            if error is not None and (self._error is None or isinstance(self._error, OutOfTimeError)):
                self._error = error  # the first that says something about the exchange
            return True

    def _assess(self, symbol: str, rows: Rows, latest_ms: int) -> SymbolResult:
        if symbol not in rows.content:
            return SymbolResult(PairOutcome.MISSING_IN_ANSWER)
        row = rows.content[symbol]
        if row is None:
            return SymbolResult(PairOutcome.MALFORMED)
        if not self._parts.symbols.settle_doubt(symbol, is_doubtful=has_empty_book(row)):
            return SymbolResult(PairOutcome.NOT_TRADING)
        assessed = assess_row(row, latest_ms)
        if isinstance(assessed, Quote):
            return SymbolResult(PairOutcome.OK, assessed, rows.answer.received_at_ms)
        return SymbolResult(assessed)

    def _take_over(self, joined: Mapping[str, SymbolResult]) -> None:
        self._results.update(joined)
        for symbol, result in joined.items():
            self._written += self._write({symbol: result}, self._parts.gateway.source)

    def _write(self, results: Mapping[str, SymbolResult], source: Source) -> int:
        """Write the prices of these symbols' pairs to the cache and return how many they are."""
        records = [
            _record(pair, result.quote, result.received_at_ms)
            for symbol, result in results.items()
            if result.quote is not None
            for pair in self._pairs_of[symbol]
        ]
        self._parts.cache.write_tickers(self._parts.token, records, source)
        self._parts.latest.put(records, self._number)
        self._parts.history.note(records, source)
        return len(records)

    def _result_of(self, symbol: str) -> SymbolResult:
        return self._results.get(symbol, SymbolResult(PairOutcome.TIMEOUT))

    def _outcome_of(self, resolved: ResolvedPair) -> PairOutcome:
        symbol = resolved.symbol or ""
        is_waiting_its_turn = self._written > 0 and symbol in self._own and symbol not in self._asked
        earlier = self._parts.latest.last_outcome(symbol, self._number - _CYCLES_UNTIL_ITS_TURN)
        return earlier if is_waiting_its_turn and earlier else self._result_of(symbol).outcome

    def _ask_for_symbols_again(self, outcomes: Mapping[str, PairOutcome]) -> None:
        unsettled = (PairOutcome.UNKNOWN_SYMBOL, PairOutcome.NOT_TRADING, PairOutcome.MISSING_IN_ANSWER)
        pairs = frozenset(pair for pair, outcome in outcomes.items() if outcome in unsettled)
        self._parts.symbols.note_unsettled(pairs)

    def _reason(self, outcomes: Mapping[str, PairOutcome]) -> str | None:
        if self._written:
            return None
        if self._error is not None:
            return str(self._error)
        counts = Counter(outcomes.values())
        return "no pair brought a price: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())


def _record(pair: str, quote: Quote, received_at_ms: int) -> TickerRecord:
    return TickerRecord(
        pair=pair,
        price=quote.price,
        volume=quote.volume,
        received_at_ms=received_at_ms,
        change_24h_percent=quote.change_24h_percent,
        high_24h=quote.high_24h,
        low_24h=quote.low_24h,
    )

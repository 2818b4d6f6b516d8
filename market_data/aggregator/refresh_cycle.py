"""One pass over pairs: resolve, batch, fetch, assess, write each answer to the cache as it comes."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from market_data.aggregator.batch_runner import run_until
from market_data.aggregator.batches import make_batches
from market_data.aggregator.circuit_breaker import CircuitBreaker, CircuitState
from market_data.aggregator.errors import ExchangeError, RefusedSymbolsError
from market_data.aggregator.flights import Flights, SymbolResult
from market_data.aggregator.gateway import ExchangeGateway
from market_data.aggregator.latest_records import LatestRecords
from market_data.aggregator.plausibility import Quote, assess_row, has_empty_book
from market_data.aggregator.quarantine import Quarantine
from market_data.aggregator.symbol_loader import UNSETTLED_RELOAD_SECONDS, SymbolLoader
from market_data.aggregator.symbols import ResolvedPair, resolve_pair
from market_data.aggregator.ticker_request import Rows, TickerRequest
from market_data.conf import MarketDataSettings
from market_data.fetcher_status import PairOutcome, Source
from market_data.ticker import TickerRecord
from market_data.ticker_cache import TickerCache


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
    monotonic: Callable[[], float]
    now_ms: Callable[[], int]


@dataclass(frozen=True, slots=True)
class CycleReport:
    """How a cycle ended: pairs as resolved, an outcome each, how many prices were written, why none was."""

    pairs: Mapping[str, ResolvedPair]
    outcomes: Mapping[str, PairOutcome]
    written: int
    duration_ms: int
    error: str | None


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
        self._pairs = {pair: resolve_pair(pair, symbols, aliases) for pair in pairs}
        self._pairs_of: dict[str, list[str]] = {}
        for pair, resolved in self._pairs.items():
            if resolved.symbol and resolved.refusal is None:
                self._pairs_of.setdefault(resolved.symbol, []).append(pair)
        self._results: dict[str, SymbolResult] = {}
        self._first_error: ExchangeError | None = None
        self._written = 0

    def run(self) -> CycleReport:
        """Return the report; raise `CacheUnavailableError` or `LeaseLostError` where prices cannot be written."""
        started_at = self._parts.monotonic()
        wanted = self._wanted_symbols()
        own, others = self._parts.flights.claim(self._parts.latest.longest_waiting_first(wanted))
        try:
            self._fetch(own)
        finally:
            for symbol in own:
                self._parts.flights.land(symbol, self._result_of(symbol))
        self._take_over(Flights.join(others, max(0.0, self._deadline - self._parts.monotonic())))
        outcomes = {pair: resolved.refusal or self._outcome_of(resolved) for pair, resolved in self._pairs.items()}
        self._ask_for_symbols_again(outcomes)
        duration_ms = round((self._parts.monotonic() - started_at) * 1000)
        return CycleReport(self._pairs, outcomes, self._written, duration_ms, self._error(outcomes))

    def _wanted_symbols(self) -> list[str]:
        resting = [symbol for symbol in self._pairs_of if self._parts.quarantine.is_resting(symbol)]
        self._results.update(dict.fromkeys(resting, SymbolResult(PairOutcome.UNKNOWN_SYMBOL)))
        return [symbol for symbol in self._pairs_of if symbol not in self._results]

    def _fetch(self, symbols: Sequence[str]) -> None:
        request = TickerRequest(
            self._parts.gateway, self._parts.breaker, on_rows=self._on_rows, on_error=self._on_error
        )
        batches = make_batches(symbols, self._parts.settings.batch_size, self._parts.quarantine.is_suspect)
        jobs = [partial(request.fetch, batch, self._deadline) for batch in batches]
        # Where the circuit is not closed, one batch goes ahead as its probe and decides for the others.
        is_closed = self._parts.breaker.snapshot().state is CircuitState.CLOSED
        for part in [jobs] if is_closed else [jobs[:1], jobs[1:]]:
            run_until(
                part,
                max_concurrent=self._parts.settings.max_concurrent_batches,
                deadline=self._deadline,
                monotonic=self._parts.monotonic,
                should_stop=self._should_stop,
            )
        if self._should_stop():
            self._parts.gateway.cancel_all()

    def _on_rows(self, symbols: Sequence[str], rows: Rows) -> None:
        for symbol in symbols:
            self._results[symbol] = self._assess(symbol, rows)
        self._write(symbols, rows.answer.source)
        for symbol in symbols:
            self._parts.quarantine.remove(symbol)
            self._parts.latest.note_cycle(symbol, self._number)
            self._parts.flights.land(symbol, self._results[symbol])

    def _on_error(self, symbols: Sequence[str], error: ExchangeError) -> None:
        self._first_error = self._first_error or error
        for symbol in symbols:
            self._results[symbol] = SymbolResult(error.outcome)
            if isinstance(error, RefusedSymbolsError):
                self._parts.quarantine.add(symbol)
                self._parts.symbols.want_reload(0)

    def _assess(self, symbol: str, rows: Rows) -> SymbolResult:
        if symbol not in rows.content:
            return SymbolResult(PairOutcome.MISSING_IN_ANSWER)
        row, answer = rows.content[symbol], rows.answer
        if row is None:
            return SymbolResult(PairOutcome.MALFORMED)
        if not self._parts.symbols.settle_doubt(symbol, is_doubtful=has_empty_book(row)):
            return SymbolResult(PairOutcome.NOT_TRADING)
        assessed = assess_row(row, max(answer.received_at_ms, answer.exchange_now_ms))
        if isinstance(assessed, Quote):
            return SymbolResult(PairOutcome.OK, assessed, answer.received_at_ms)
        return SymbolResult(assessed)

    def _take_over(self, joined: Mapping[str, SymbolResult]) -> None:
        for symbol, result in joined.items():
            self._results[symbol] = result
            self._write([symbol], self._parts.gateway.source)

    def _write(self, symbols: Sequence[str], source: Source) -> None:
        records = [
            _record(pair, quote, result.received_at_ms)
            for symbol in symbols
            if (quote := (result := self._results[symbol]).quote) is not None
            for pair in self._pairs_of[symbol]
        ]
        self._parts.cache.write_tickers(self._parts.token, records, source, self._parts.now_ms())
        self._parts.latest.put(records)
        self._written += len(records)

    def _result_of(self, symbol: str | None) -> SymbolResult:
        return self._results.get(symbol or "", SymbolResult(PairOutcome.TIMEOUT))

    def _outcome_of(self, resolved: ResolvedPair) -> PairOutcome:
        return self._result_of(resolved.symbol).outcome

    def _ask_for_symbols_again(self, outcomes: Mapping[str, PairOutcome]) -> None:
        unsettled = (PairOutcome.UNKNOWN_SYMBOL, PairOutcome.NOT_TRADING, PairOutcome.MISSING_IN_ANSWER)
        if any(outcome in unsettled for outcome in outcomes.values()):
            self._parts.symbols.want_reload(UNSETTLED_RELOAD_SECONDS)

    def _error(self, outcomes: Mapping[str, PairOutcome]) -> str | None:
        if self._written:
            return None
        if self._first_error is not None:
            return str(self._first_error)
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

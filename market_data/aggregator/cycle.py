"""One pass over pairs: resolve, ask, assess and write each answer as it arrives, report."""

import operator
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from market_data.aggregator.arrivals import Arrivals, Start
from market_data.aggregator.assessment import Assessed, assess
from market_data.aggregator.comparison import Comparison, PriceComparison
from market_data.aggregator.history import PriceHistory
from market_data.aggregator.latest_records import LatestRecords
from market_data.aggregator.routing import Candidate, Routing
from market_data.aggregator.sanity import Quote
from market_data.aggregator.symbols import ListedAt, ResolvedPair, resolve_pair
from market_data.aggregator.venue import Venue
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.errors import ExchangeError, OutOfTimeError
from market_data.exchanges.protocol import Request
from market_data.ticker.clock import Clock
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.cache import TickerCache
from market_data.ticker_cache.status import PairStatus

_UNSETTLED = (PairOutcome.UNKNOWN_SYMBOL, PairOutcome.NOT_TRADING, PairOutcome.MISSING_IN_ANSWER)
# A script that writes more at once keeps readers of the cache waiting for longer than a few ms.
_RECORDS_PER_WRITE = 500


@dataclass(frozen=True, slots=True)
class CycleReport:
    """How a cycle ended: pairs as resolved, who delivers each, an outcome and a new record each, why there is none.

    `left_over` counts the pairs that the cycle had no time to ask for; a later one asks for them first. `has_asked`
    says whether there was anything to ask an exchange for.
    """

    pairs: Mapping[str, ResolvedPair]
    delivering: Mapping[str, Candidate]
    outcomes: Mapping[str, PairOutcome]
    records: Mapping[str, TickerRecord]
    duration_ms: int
    error: str | None
    left_over: int = 0
    has_asked: bool = True
    comparison: Comparison = field(default_factory=Comparison)

    @property
    def received_at_ms(self) -> int | None:
        """Unix ms of the oldest answer among those that brought a price."""
        return min((record.received_at_ms for record in self.records.values()), default=None)

    def symbols_in_use(self) -> dict[str, tuple[str, ...]]:
        """Return the symbols of every exchange that could deliver a pair, those first that should."""
        ranked = [(rank, one) for pair in self.pairs.values() for rank, one in enumerate(pair.candidates)]
        in_use: dict[str, dict[str, None]] = {}
        needed = [(one.exchange, one.symbol) for _, one in sorted(ranked, key=operator.itemgetter(0))]
        for exchange, symbol in (*needed, *self.comparison.watched):
            in_use.setdefault(exchange, {})[symbol] = None
        return {name: tuple(symbols) for name, symbols in in_use.items()}


Key = tuple[str, str]
"""An exchange's name and a symbol of it."""
Step = tuple[str, Candidate]
"""A pair, and whose word on it counts next."""


@dataclass(slots=True)
class _Progress:
    """What one cycle knows so far. It belongs to the thread that runs the cycle."""

    pairs: Mapping[str, ResolvedPair]
    asked: dict[Key, list[Step]] = field(default_factory=dict)
    found: dict[Key, Assessed] = field(default_factory=dict)
    records: dict[str, TickerRecord] = field(default_factory=dict)
    error: ExchangeError | None = None


class RefreshCycle:
    """What every cycle needs. Cycles follow each other and are counted; none begins while another runs."""

    def __init__(
        self,
        venues: Mapping[str, Venue],
        cache: TickerCache,
        token: str,
        *,
        settings: MarketDataSettings,
        latest: LatestRecords,
        history: PriceHistory,
        clock: Clock,
        start_request: Start,
    ) -> None:
        self._venues = venues
        self._cache = cache
        self._token = token
        self._settings = settings
        self._latest = latest
        self._history = history
        self._routing = Routing()
        self._comparison = PriceComparison(venues, settings)
        self._clock = clock
        self._start_request = start_request
        self.known_pairs: Mapping[str, PairStatus] = {}
        """What an earlier fetcher knew of the pairs, until there are lists."""
        self.number = 0

    def run(self, pairs: Sequence[str], deadline: float, should_stop: Callable[[], bool]) -> CycleReport:
        """Fetch the pairs by a deadline of the monotonic clock, or until told to stop.

        Raise `CacheUnavailableError` or `LeaseLostError` where prices cannot be written.
        """
        began_at = self._clock.monotonic()
        self.number += 1
        progress = _Progress({pair: self._resolve(pair) for pair in pairs})
        arrivals = Arrivals(
            deadline=deadline, monotonic=self._clock.monotonic, should_stop=should_stop, start=self._start_request
        )
        held_back: dict[str, list[Request]] = {}
        to_ask = self._follow(progress, self._first_steps(progress), Source.LIVE)
        self._add_aliases(progress, to_ask)
        for name, symbols in to_ask.items():
            venue = self._venues[name]
            requests = self._requests(venue, symbols)
            # After trouble one request goes ahead as a probe and decides for the others.
            first = requests[:1] if venue.gateway.needs_probe else requests
            held_back[venue.name] = requests[len(first) :]
            arrivals.add(venue, first)
        for venue, request, outcome in arrivals:
            if isinstance(outcome, ExchangeError):
                found, again = self._failed(progress, venue, request, outcome)
            else:
                venue.note_answer(request, outcome, self.number)
                found, again = assess(venue, request, outcome, self._settings.cache_ttl_ms), outcome.content.again
            arrivals.add(venue, [*again, *held_back.pop(venue.name, ())])
            steps = self._steps_after(progress, venue, found)
            for name, symbols in self._follow(progress, steps, venue.gateway.source).items():
                arrivals.add(self._venues[name], self._requests(self._venues[name], symbols))
        if should_stop():
            for venue in self._venues.values():
                venue.gateway.cancel_all()
        return self._report(progress, arrivals, began_at)

    def _resolve(self, pair: str) -> ResolvedPair:
        names = self._settings.exchanges_of(pair)
        listed_at = [ListedAt(self._venues[name].exchange, self._venues[name].symbols.symbols) for name in names]
        return resolve_pair(pair, listed_at, self._settings.quote_aliases, self.known_pairs.get(pair))

    def _first_steps(self, progress: _Progress) -> list[Step]:
        now = self._clock.monotonic()
        return [
            (pair, candidate)
            for pair, resolved in progress.pairs.items()
            if resolved.candidates
            for candidate in self._routing.to_ask(pair, resolved.candidates, now)
        ]

    def _add_aliases(self, progress: _Progress, to_ask: dict[str, list[str]]) -> None:
        """Ask for one more symbol for each alias in use: what it is worth."""
        for exchange, symbol in self._comparison.watch(self._delivering(progress)):
            if (exchange, symbol) not in progress.asked:
                progress.asked[exchange, symbol] = []
                to_ask.setdefault(exchange, []).append(symbol)

    def _delivering(self, progress: _Progress) -> dict[str, Candidate]:
        return {pair: self._routing.delivering(pair) for pair, found in progress.pairs.items() if found.candidates}

    def _steps_after(self, progress: _Progress, venue: Venue, found: Mapping[str, Assessed]) -> list[Step]:
        """Take in what an answer says, and return the steps that waited for it."""
        keys = {(venue.name, symbol): assessed for symbol, assessed in found.items()}
        progress.found |= keys
        self._latest.note_answers({key: assessed.outcome for key, assessed in keys.items()}, self.number)
        return [step for key in keys for step in progress.asked.get(key, ())]

    def _follow(self, progress: _Progress, steps: Iterable[Step], source: Source) -> dict[str, list[str]]:
        """Write the prices that are there, turn to the next exchange where one failed; return whom to ask for what."""
        now = self._clock.monotonic()
        to_ask: dict[str, list[str]] = {}
        records: list[TickerRecord] = []
        pending = deque(steps)
        while pending:
            pair, candidate = pending.popleft()
            key, venue = (candidate.exchange, candidate.symbol), self._venues[candidate.exchange]
            candidates = progress.pairs[pair].candidates
            if key not in progress.found and venue.quarantine.is_resting(candidate.symbol):
                progress.found[key] = Assessed(PairOutcome.UNKNOWN_SYMBOL)
            found = progress.found.get(key)
            if found is None:
                if key not in progress.asked:
                    to_ask.setdefault(venue.name, []).append(candidate.symbol)
                progress.asked.setdefault(key, []).append((pair, candidate))
                continue
            other = None
            if found.quote is None or venue.movement.still_since_ms is not None:
                is_loss = found.outcome is not PairOutcome.INCOMPLETE
                other = self._routing.has_failed(pair, candidate, candidates, now, is_loss=is_loss)
            if other is not None:
                pending.append((pair, other))
            elif found.quote is not None and self._routing.has_price(pair, candidate, candidates, now):
                records.append(_record(pair, candidate.exchange, found.quote, found.received_at_ms))
        self._write(progress, records, source)
        return to_ask

    def _requests(self, venue: Venue, symbols: Sequence[str]) -> list[Request]:
        waiting = self._latest.longest_waiting_first((venue.name, symbol) for symbol in symbols)
        return venue.ticker_requests([symbol for _, symbol in waiting], self._settings.batch_size, self.number)

    def _failed(
        self, progress: _Progress, venue: Venue, request: Request, error: ExchangeError
    ) -> tuple[Mapping[str, Assessed], Sequence[Request]]:
        """Return what a failure means for the request's symbols, and what to ask instead."""
        if progress.error is None or isinstance(progress.error, OutOfTimeError):
            progress.error = error  # the first that says something about an exchange
        if isinstance(error, OutOfTimeError):
            return {}, ()  # as if it had not been sent
        if request.stands_for_batches and (error.is_outage or error.is_bad_answer):
            venue.whole_market.failed(self.number, str(error))
            if error.is_bad_answer:
                return {}, self._requests(venue, request.symbols)
        return dict.fromkeys(request.symbols, Assessed(error.outcome)), ()

    def _write(self, progress: _Progress, records: Sequence[TickerRecord], source: Source) -> None:
        received_at = operator.attrgetter("received_at_ms")
        for _, received_together in groupby(sorted(records, key=received_at), received_at):
            together = list(received_together)
            for start in range(0, len(together), _RECORDS_PER_WRITE):
                self._cache.write_tickers(self._token, together[start : start + _RECORDS_PER_WRITE], source)
        progress.records |= {record.pair: record for record in records}
        self._latest.put(records)
        self._history.note(records, source)

    def _report(self, progress: _Progress, arrivals: Arrivals, began_at: float) -> CycleReport:
        delivering = self._delivering(progress)
        left_over = [
            pair
            for pair, candidate in delivering.items()
            if pair not in progress.records and (candidate.exchange, candidate.symbol) not in progress.found
        ]
        outcomes = {
            pair: resolved.refusal or self._outcome(progress, pair, delivering[pair])
            for pair, resolved in progress.pairs.items()
        }
        unsettled = frozenset(pair for pair, outcome in outcomes.items() if outcome in _UNSETTLED)
        for venue in self._venues.values():
            venue.symbols.note_unsettled(unsettled)
        error = str(progress.error) if progress.error else _no_price(outcomes.values())
        return CycleReport(
            pairs=progress.pairs,
            delivering=delivering,
            outcomes=outcomes,
            records=progress.records,
            duration_ms=round((self._clock.monotonic() - began_at) * 1000),
            error=None if progress.records else error,
            left_over=len(left_over),
            has_asked=arrivals.has_sent,
            comparison=self._comparison.of(progress.pairs.values(), delivering, progress.found, self._clock.now_ms()),
        )

    def _outcome(self, progress: _Progress, pair: str, candidate: Candidate) -> PairOutcome:
        if pair in progress.records:
            return PairOutcome.OK
        key = (candidate.exchange, candidate.symbol)
        if key in progress.found:
            return progress.found[key].outcome
        # There was no time for it: it keeps its last outcome for a while, where others had a price.
        earlier = self._latest.outcome_while_waiting(key, self.number) if progress.records else None
        return earlier or PairOutcome.TIMEOUT


def _record(pair: str, exchange: str, quote: Quote, received_at_ms: int) -> TickerRecord:
    return TickerRecord(
        pair=pair,
        price=quote.price,
        volume=quote.volume,
        received_at_ms=received_at_ms,
        change_24h_percent=quote.change_24h_percent,
        high_24h=quote.high_24h,
        low_24h=quote.low_24h,
        exchange=exchange,
    )


def _no_price(outcomes: Iterable[PairOutcome]) -> str:
    counts = Counter(outcomes)
    return "no pair brought a price: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())

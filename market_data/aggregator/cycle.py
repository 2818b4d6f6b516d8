"""One pass over pairs: resolve, ask, assess and write each answer as it arrives, report."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from market_data.aggregator.arrivals import Arrivals, Start
from market_data.aggregator.history import PriceHistory
from market_data.aggregator.latest_records import LatestRecords
from market_data.aggregator.sanity import Quote, assess_row
from market_data.aggregator.symbols import ResolvedPair, resolve_pair
from market_data.aggregator.venue import Venue
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.errors import ExchangeError, OutOfTimeError
from market_data.exchanges.gateway import Received
from market_data.exchanges.protocol import Request, RowState, TickerAnswer
from market_data.ticker.clock import Clock
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import TickerRecord
from market_data.ticker_cache.cache import TickerCache

_UNSETTLED = (PairOutcome.UNKNOWN_SYMBOL, PairOutcome.NOT_TRADING, PairOutcome.MISSING_IN_ANSWER)
# A script that writes more at once keeps readers of the cache waiting for longer than a few ms.
_RECORDS_PER_WRITE = 500


@dataclass(frozen=True, slots=True)
class CycleReport:
    """How a cycle ended: pairs as resolved, an outcome and a new record each, why there is no record at all.

    `left_over` counts the pairs that the cycle had no time to ask for; a later one asks for them first. `has_asked`
    says whether there was anything to ask the exchange for.
    """

    pairs: Mapping[str, ResolvedPair]
    outcomes: Mapping[str, PairOutcome]
    records: Mapping[str, TickerRecord]
    duration_ms: int
    error: str | None
    left_over: int = 0
    has_asked: bool = True

    @property
    def received_at_ms(self) -> int | None:
        """Unix ms of the oldest answer among those that brought a price."""
        return min((record.received_at_ms for record in self.records.values()), default=None)


class RefreshCycle:
    """What every cycle needs. Cycles follow each other and are counted; none begins while another runs."""

    def __init__(
        self,
        venue: Venue,
        cache: TickerCache,
        token: str,
        *,
        settings: MarketDataSettings,
        latest: LatestRecords,
        history: PriceHistory,
        clock: Clock,
        start_request: Start,
    ) -> None:
        self._venue = venue
        self._cache = cache
        self._token = token
        self._settings = settings
        self._latest = latest
        self._history = history
        self._clock = clock
        self._start_request = start_request
        self.number = 0

    def run(self, pairs: Sequence[str], deadline: float, should_stop: Callable[[], bool]) -> CycleReport:
        """Fetch the pairs by a deadline of the monotonic clock, or until told to stop.

        Raise `CacheUnavailableError` or `LeaseLostError` where prices cannot be written.
        """
        began_at, venue = self._clock.monotonic(), self._venue
        self.number += 1

        resolved = self._resolve(pairs)
        pairs_of = _pairs_by_symbol(resolved.values())
        outcomes = {symbol: PairOutcome.UNKNOWN_SYMBOL for symbol in pairs_of if venue.quarantine.is_resting(symbol)}
        wanted = self._latest.longest_waiting_first(symbol for symbol in pairs_of if symbol not in outcomes)
        requests = venue.ticker_requests(wanted, self._settings.batch_size, self.number)

        arrivals = Arrivals(
            deadline=deadline, monotonic=self._clock.monotonic, should_stop=should_stop, start=self._start_request
        )
        # After trouble one request goes ahead as a probe and decides for the others.
        held_back = requests[1:] if venue.gateway.needs_probe else []
        arrivals.add(venue, requests[: len(requests) - len(held_back)])
        records: dict[str, TickerRecord] = {}
        error: ExchangeError | None = None
        for _, request, outcome in arrivals:
            if isinstance(outcome, ExchangeError):
                error = outcome if error is None or isinstance(error, OutOfTimeError) else error
                told, again = self._failed(request, outcome)
            else:
                told, quotes = self._assess(request, outcome)
                new = [_record(pair, quote, outcome) for symbol, quote in quotes.items() for pair in pairs_of[symbol]]
                self._write(new, outcome)
                records |= {record.pair: record for record in new}
                again = outcome.content.again
            outcomes |= told
            arrivals.add(venue, [*again, *held_back])
            held_back = []
        if should_stop():
            venue.gateway.cancel_all()

        left_over = [symbol for symbol in wanted if symbol not in outcomes]
        for symbol in left_over:
            earlier = self._latest.outcome_while_waiting(symbol, self.number) if records else None
            outcomes[symbol] = earlier or PairOutcome.TIMEOUT
        by_pair = {pair: found.refusal or outcomes[found.symbol or ""] for pair, found in resolved.items()}
        venue.symbols.note_unsettled(frozenset(pair for pair, outcome in by_pair.items() if outcome in _UNSETTLED))
        return CycleReport(
            pairs=resolved,
            outcomes=by_pair,
            records=records,
            duration_ms=round((self._clock.monotonic() - began_at) * 1000),
            error=None if records else str(error) if error else _no_price(by_pair.values()),
            left_over=sum(len(pairs_of[symbol]) for symbol in left_over),
            has_asked=arrivals.has_sent,
        )

    def _resolve(self, pairs: Sequence[str]) -> dict[str, ResolvedPair]:
        symbols, known = self._venue.symbols.symbols, self._venue.symbols.known_pairs
        return {pair: resolve_pair(pair, symbols, self._settings.quote_aliases, known.get(pair)) for pair in pairs}

    def _failed(self, request: Request, error: ExchangeError) -> tuple[Mapping[str, PairOutcome], Sequence[Request]]:
        """Return what a failure says of the request's symbols, and what to ask instead."""
        if isinstance(error, OutOfTimeError):
            return {}, ()  # as if it had not been sent
        if request.is_whole_market and (error.is_outage or error.is_bad_answer):
            self._venue.whole_market.failed(self.number, str(error))
            if error.is_bad_answer:
                return {}, self._venue.ticker_requests(list(request.symbols), self._settings.batch_size, self.number)
        return dict.fromkeys(request.symbols, error.outcome), ()

    def _assess(
        self, request: Request, received: Received[TickerAnswer]
    ) -> tuple[Mapping[str, PairOutcome], Mapping[str, Quote]]:
        """Return what an answer says of each symbol, and the figures of those that have a live price."""
        venue, answer = self._venue, received.content
        latest_ms = max(received.response.received_at_ms, received.response.exchange_now_ms)
        quotes: dict[str, Quote] = {}
        told: dict[str, PairOutcome] = {}
        open_symbols = {symbol for again in answer.again for symbol in again.symbols}
        for symbol in request.symbols:
            if symbol in open_symbols:
                continue
            if symbol in answer.refused:
                told[symbol] = PairOutcome.UNKNOWN_SYMBOL
                venue.quarantine.add(symbol)
                venue.symbols.has_refused()
                continue
            venue.quarantine.remove(symbol)
            row = answer.rows.get(symbol)
            if row is None:
                told[symbol] = PairOutcome.MALFORMED if symbol in answer.rows else PairOutcome.MISSING_IN_ANSWER
            elif not venue.symbols.trades(symbol, is_doubtful=row.state is not RowState.LIVE):
                told[symbol] = PairOutcome.NOT_TRADING
            else:
                assessed = assess_row(row, latest_ms)
                told[symbol] = PairOutcome.OK if isinstance(assessed, Quote) else assessed
                if isinstance(assessed, Quote):
                    quotes[symbol] = assessed
        if request.is_whole_market:
            self._note_whole_market(request, answer)
        self._latest.note_answers(told, self.number)
        return told, quotes

    def _note_whole_market(self, request: Request, answer: TickerAnswer) -> None:
        if len(answer.rows) < len(request.symbols) / 2:
            fault = f"{len(answer.rows)} of {len(request.symbols)} tickers were in an answer about the whole market"
            self._venue.whole_market.failed(self.number, fault)
        else:
            self._venue.whole_market.succeeded()

    def _write(self, records: Sequence[TickerRecord], received: Received[TickerAnswer]) -> None:
        for start in range(0, len(records), _RECORDS_PER_WRITE):
            part = records[start : start + _RECORDS_PER_WRITE]
            self._cache.write_tickers(self._token, part, received.source)
        self._latest.put(records)
        self._history.note(records, received.source)


def _pairs_by_symbol(resolved: Iterable[ResolvedPair]) -> dict[str, list[str]]:
    pairs: dict[str, list[str]] = {}
    for found in resolved:
        if found.symbol and found.refusal is None:
            pairs.setdefault(found.symbol, []).append(found.pair)
    return pairs


def _record(pair: str, quote: Quote, received: Received[TickerAnswer]) -> TickerRecord:
    return TickerRecord(
        pair=pair,
        price=quote.price,
        volume=quote.volume,
        received_at_ms=received.response.received_at_ms,
        change_24h_percent=quote.change_24h_percent,
        high_24h=quote.high_24h,
        low_24h=quote.low_24h,
    )


def _no_price(outcomes: Iterable[PairOutcome]) -> str:
    counts = Counter(outcomes)
    return "no pair brought a price: " + ", ".join(f"{count} {outcome}" for outcome, count in counts.items())

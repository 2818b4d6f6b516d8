"""What an exchange's answer says of each symbol: a live price with its figures, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass

from market_data.aggregator.sanity import Quote, assess_row
from market_data.aggregator.venue import Venue
from market_data.exchanges.gateway import Received
from market_data.exchanges.protocol import Request, RowState, TickerAnswer, TickerRow
from market_data.exchanges.response import HttpResponse
from market_data.ticker.outcome import PairOutcome

_DATE_ROUNDING_MS = 2_000
"""`Date` has whole seconds, and the exchange's servers do not agree to the millisecond."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """An outcome, and with `ok` the figures and received at, Unix ms, with the answer's age at its origin taken off."""

    outcome: PairOutcome
    quote: Quote | None = None
    received_at_ms: int = 0


def assess(venue: Venue, request: Request, received: Received[TickerAnswer], max_age_ms: int) -> Mapping[str, Assessed]:
    """Return what is known of the request's symbols now; those that are asked for again are left out.

    `max_age_ms` is the most that is taken off for the age of an answer.
    """
    answer = received.content
    open_symbols = {symbol for again in answer.again for symbol in again.symbols}
    venue.movement.note([row for row in answer.rows.values() if row is not None], received.response)
    newest_event_ms = _newest_event_ms(answer)
    found: dict[str, Assessed] = {}
    for symbol in request.symbols:
        if symbol in answer.refused:
            venue.quarantine.add(symbol)
            venue.symbols.has_refused()
            found[symbol] = Assessed(PairOutcome.UNKNOWN_SYMBOL)
        elif symbol not in open_symbols:
            venue.quarantine.remove(symbol)
            found[symbol] = _assess_row(venue, symbol, received, newest_event_ms, max_age_ms)
    return found


def _assess_row(
    venue: Venue, symbol: str, received: Received[TickerAnswer], newest_event_ms: int | None, max_age_ms: int
) -> Assessed:
    rows, response = received.content.rows, received.response
    row = rows.get(symbol)
    if row is None:
        return Assessed(PairOutcome.MALFORMED if symbol in rows else PairOutcome.MISSING_IN_ANSWER)
    if not venue.symbols.trades(symbol, is_doubtful=row.state is not RowState.LIVE):
        return Assessed(PairOutcome.NOT_TRADING)
    latest_ms = max(response.received_at_ms, response.exchange_now_ms)
    day_ago = venue.day_ago.price(symbol, response.exchange_now_ms)
    quote = assess_row(row, latest_ms, day_ago)
    if isinstance(quote, PairOutcome):
        return Assessed(quote)
    age_ms = min(max_age_ms, _age_ms(row, response, newest_event_ms))
    return Assessed(PairOutcome.OK, quote, response.received_at_ms - age_ms)


def _age_ms(row: TickerRow, response: HttpResponse, newest_event_ms: int | None) -> int:
    """Return how old a row was when it arrived, by what the answer itself says.

    An answer whose rows had events after its `Date` was sent again by somebody who kept it.
    """
    ages_ms = [response.age_ms]
    if "date" in response.headers:
        sent_at_ms = response.exchange_now_ms
        if row.made_at_ms is not None:
            ages_ms.append(sent_at_ms - row.made_at_ms)
        if newest_event_ms is not None and newest_event_ms - sent_at_ms > _DATE_ROUNDING_MS:
            ages_ms.append(newest_event_ms - sent_at_ms)
    return max(0, *ages_ms)


def _newest_event_ms(answer: TickerAnswer) -> int | None:
    times = (row.exchange_time_ms for row in answer.rows.values() if row is not None)
    return max((time_ms for time_ms in times if time_ms is not None), default=None)

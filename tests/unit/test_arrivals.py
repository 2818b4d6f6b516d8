"""The requests of a cycle on their way: how many at once, what the deadline and a word to stop do to them."""

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest

from market_data.aggregator.arrivals import Arrivals, on_a_thread
from market_data.exchanges.errors import ExchangeTimeoutError, ExchangeUnavailableError, OutOfTimeError
from market_data.exchanges.protocol import Request
from tests.fakes import MovableClock, at_once

PATIENCE_SECONDS = 10
DEADLINE_SECONDS = 4


@dataclass
class FakeGateway:
    """Answers each request with what a test's function makes of it."""

    answer: Any
    max_concurrent: int = 3
    host: str = "exchange.test"

    def tickers(self, request, deadline):
        return self.answer(request)


@dataclass
class FakeVenue:
    gateway: FakeGateway
    name: str = "somewhere"


@dataclass
class Sent:
    """What was sent, and how much of it was under way at once."""

    requests: list[str] = field(default_factory=list)
    under_way: int = 0
    most_at_once: int = 0
    lock: Any = field(default_factory=threading.Lock)


def requests_of(count):
    return [Request(f"/{number}", 2, (f"A{number}",)) for number in range(count)]


def arrivals_of(clock, *, start=on_a_thread, should_stop=lambda: False):
    deadline = clock.monotonic() + DEADLINE_SECONDS
    return Arrivals(deadline=deadline, monotonic=clock.monotonic, should_stop=should_stop, start=start)


def outcomes_of(arrivals):
    return {request.path_and_query: outcome for _, request, outcome in arrivals}


@pytest.fixture
def clock():
    return MovableClock()


def test_every_request_is_sent_and_its_outcome_handed_over(clock):
    arrivals = arrivals_of(clock)
    arrivals.add(FakeVenue(FakeGateway(lambda request: request.symbols)), requests_of(50))

    assert outcomes_of(arrivals) == {f"/{number}": (f"A{number}",) for number in range(50)}
    assert arrivals.has_sent


def test_without_a_request_nothing_is_sent(clock):
    arrivals = arrivals_of(clock)
    arrivals.add(FakeVenue(FakeGateway(lambda request: request.symbols)), [])

    assert outcomes_of(arrivals) == {}
    assert not arrivals.has_sent


def watched(sent, together):
    def answer(request):
        with sent.lock:
            sent.under_way += 1
            sent.most_at_once = max(sent.most_at_once, sent.under_way)
        together.wait(PATIENCE_SECONDS)
        with sent.lock:
            sent.under_way -= 1
        return request.path_and_query

    return answer


def test_as_many_requests_as_an_exchange_allows_are_under_way_at_once_and_never_more(clock):
    sent, together = Sent(), threading.Barrier(3)
    arrivals = arrivals_of(clock)
    arrivals.add(FakeVenue(FakeGateway(watched(sent, together))), requests_of(12))

    assert len(outcomes_of(arrivals)) == 12
    assert sent.most_at_once == 3


def test_each_exchange_has_its_own_number_of_requests_at_once(clock):
    one, two, together = Sent(), Sent(), threading.Barrier(5)
    arrivals = arrivals_of(clock)
    arrivals.add(FakeVenue(FakeGateway(watched(one, together), max_concurrent=3), "one"), requests_of(3))
    arrivals.add(FakeVenue(FakeGateway(watched(two, together), max_concurrent=2), "two"), requests_of(2))

    assert len(list(arrivals)) == 5
    assert (one.most_at_once, two.most_at_once) == (3, 2)


def test_an_outcome_is_handed_over_while_other_requests_are_still_under_way(clock):
    may_end = threading.Event()

    def answer(request):
        if request.path_and_query == "/0":
            may_end.wait(PATIENCE_SECONDS)
        return request.path_and_query

    arrivals = arrivals_of(clock)
    arrivals.add(FakeVenue(FakeGateway(answer)), requests_of(3))
    seen = []
    for _, request, _ in arrivals:
        seen.append(request.path_and_query)
        if len(seen) == 2:
            may_end.set()

    assert seen[-1] == "/0"


def test_what_is_added_on_the_way_is_sent_too(clock):
    venue = FakeVenue(FakeGateway(lambda request: request.path_and_query))
    arrivals = arrivals_of(clock)
    arrivals.add(venue, requests_of(1))
    seen = []
    for _, request, _ in arrivals:
        seen.append(request.path_and_query)
        if request.path_and_query == "/0":
            arrivals.add(venue, [Request("/again", 2)])

    assert seen == ["/0", "/again"]


def test_an_error_of_the_exchange_is_an_outcome_like_any_other(clock):
    def answer(request):
        if request.path_and_query == "/1":
            raise ExchangeUnavailableError("the connection broke")
        return "fine"

    arrivals = arrivals_of(clock)
    arrivals.add(FakeVenue(FakeGateway(answer)), requests_of(3))
    outcomes = outcomes_of(arrivals)

    assert isinstance(outcomes.pop("/1"), ExchangeUnavailableError)
    assert outcomes == {"/0": "fine", "/2": "fine"}


def test_an_error_that_nobody_expected_is_raised_to_the_caller(clock):
    def answer(request):
        raise LookupError("lost")

    arrivals = arrivals_of(clock)
    arrivals.add(FakeVenue(FakeGateway(answer)), requests_of(2))

    with pytest.raises(LookupError, match="lost"):
        list(arrivals)


def slowly(clock, seconds, sent):
    def answer(request):
        sent.append(request.path_and_query)
        clock.advance(seconds)
        return request.path_and_query

    return FakeVenue(FakeGateway(answer, max_concurrent=1))


@pytest.mark.parametrize(("seconds", "count"), [(1.5, 2), (1.9, 2), (2.1, 1), (3.9, 1)])
def test_nothing_is_sent_that_the_deadline_would_cut_off_judged_by_the_quickest_answer(clock, seconds, count):
    sent = []
    arrivals = arrivals_of(clock, start=at_once)
    arrivals.add(slowly(clock, seconds, sent), requests_of(10))

    assert len(outcomes_of(arrivals)) == len(sent) == count


def test_a_failure_says_nothing_about_how_quick_answers_are_but_after_the_deadline_nothing_is_sent(clock):
    sent = []

    def answer(request):
        sent.append(request.path_and_query)
        clock.advance(DEADLINE_SECONDS - 1)
        raise ExchangeUnavailableError("the connection broke")

    arrivals = arrivals_of(clock, start=at_once)
    arrivals.add(FakeVenue(FakeGateway(answer, max_concurrent=1)), requests_of(10))

    assert len(outcomes_of(arrivals)) == len(sent) == 2


@pytest.fixture
def hanging():
    """A gateway whose requests hang until the test is over, and the sign that one does."""
    has_begun, may_end = threading.Event(), threading.Event()

    def answer(request):
        has_begun.set()
        may_end.wait(PATIENCE_SECONDS)
        return "too late"

    yield FakeGateway(answer), has_begun
    may_end.set()


@pytest.mark.parametrize(("sent_before_deadline", "kind"), [(4.0, ExchangeTimeoutError), (0.5, OutOfTimeError)])
def test_a_request_that_hangs_past_the_deadline_is_a_timeout_that_nobody_waits_for(
    clock, hanging, sent_before_deadline, kind
):
    """One that had little time says nothing about the exchange."""
    gateway, has_begun = hanging

    def start(job):
        on_a_thread(job)
        assert has_begun.wait(PATIENCE_SECONDS)
        clock.advance(DEADLINE_SECONDS + 1)

    arrivals = arrivals_of(clock, start=start)
    clock.advance(DEADLINE_SECONDS - sent_before_deadline)
    arrivals.add(FakeVenue(gateway), requests_of(1))
    error = outcomes_of(arrivals)["/0"]

    assert type(error) is kind
    assert "exchange.test did not answer in time" in str(error)


def test_told_to_stop_it_does_not_wait_for_a_request_that_hangs_and_sends_no_other(clock, hanging):
    gateway, has_begun = hanging
    gateway.max_concurrent = 1
    arrivals = arrivals_of(clock, should_stop=has_begun.is_set)
    arrivals.add(FakeVenue(gateway), requests_of(5))

    assert outcomes_of(arrivals) == {}

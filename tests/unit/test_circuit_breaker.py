import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from market_data.exchanges.circuit_breaker import CircuitBreaker, CircuitState
from market_data.exchanges.errors import CircuitOpenError
from tests.fakes import MovableClock, backoff

THRESHOLD = 3
CAP_SECONDS = 24.0


def breaker_of(clock):
    return CircuitBreaker(failure_threshold=THRESHOLD, cool_down=backoff(2, CAP_SECONDS), monotonic=clock.monotonic)


def fail(breaker, times):
    for _ in range(times):
        breaker.record_failure(breaker.before_request())


def test_a_success_between_failures_keeps_the_circuit_closed():
    breaker = breaker_of(MovableClock())
    fail(breaker, THRESHOLD - 1)
    breaker.record_success(breaker.before_request())
    fail(breaker, THRESHOLD - 1)

    assert breaker.snapshot().state is CircuitState.CLOSED


def test_the_threshold_of_failures_in_a_row_opens_the_circuit_and_says_for_how_long():
    clock = MovableClock()
    breaker = breaker_of(clock)
    fail(breaker, THRESHOLD)
    clock.advance(0.5)

    with pytest.raises(CircuitOpenError) as refusal:
        breaker.before_request()
    assert refusal.value.retry_after_seconds == pytest.approx(1.5)
    assert breaker.snapshot().retry_after_seconds == pytest.approx(1.5)


def test_each_failed_probe_doubles_the_cool_down_up_to_the_cap():
    clock = MovableClock()
    breaker = breaker_of(clock)
    fail(breaker, THRESHOLD)
    waits = []
    for _ in range(6):
        waits.append(breaker.snapshot().retry_after_seconds)
        clock.advance(waits[-1])
        fail(breaker, 1)

    assert waits == [2, 4, 8, 16, CAP_SECONDS, CAP_SECONDS]


def test_a_probe_that_says_nothing_about_the_exchange_is_given_back():
    clock = MovableClock()
    breaker = breaker_of(clock)
    fail(breaker, THRESHOLD)
    clock.advance(2)
    breaker.record_undecided(breaker.before_request())

    assert breaker.snapshot().state is CircuitState.HALF_OPEN
    breaker.before_request()


def test_a_successful_probe_closes_the_circuit_and_the_next_cool_down_is_the_shortest_again():
    clock = MovableClock()
    breaker = breaker_of(clock)
    fail(breaker, THRESHOLD)
    clock.advance(2)
    fail(breaker, 1)
    clock.advance(4)
    breaker.record_success(breaker.before_request())
    fail(breaker, THRESHOLD)

    assert breaker.snapshot().retry_after_seconds == 2


@pytest.mark.parametrize("late", ["record_success", "record_failure", "record_undecided"])
def test_what_was_sent_before_the_opening_decides_nothing_about_the_probe(late):
    clock = MovableClock()
    breaker = breaker_of(clock)
    slow = breaker.before_request()
    fail(breaker, THRESHOLD)
    clock.advance(2)
    breaker.before_request()
    getattr(breaker, late)(slow)

    with pytest.raises(CircuitOpenError):
        breaker.before_request()


class BreakerMachine(RuleBasedStateMachine):
    """Concurrent requests with any outcome at any time, also long after the circuit has opened."""

    def __init__(self):
        super().__init__()
        self.clock = MovableClock()
        self.breaker = breaker_of(self.clock)
        self.under_way = []
        self.openings = 0
        self.failures = 0
        self.is_probing = False
        self.cool_downs = []

    @property
    def state(self):
        return self.breaker.snapshot().state

    @rule()
    def send(self):
        state = self.state
        try:
            ticket = self.breaker.before_request()
        except CircuitOpenError:
            assert state is CircuitState.OPEN or self.is_probing
            return
        assert state is CircuitState.CLOSED or not self.is_probing
        self.is_probing = state is CircuitState.HALF_OPEN
        self.under_way.append((ticket, self.openings))

    def end_one(self, data, record):
        """End any of the requests and tell whether it was sent since the circuit last opened."""
        ticket, openings = data.draw(st.sampled_from(self.under_way))
        self.under_way.remove((ticket, openings))
        record(ticket)
        return openings == self.openings

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def succeed(self, data):
        if self.end_one(data, self.breaker.record_success):
            self.failures, self.cool_downs, self.is_probing = 0, [], False
            assert self.state is CircuitState.CLOSED

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def fail(self, data):
        if self.end_one(data, self.breaker.record_failure):
            self.failures += 1
            if self.is_probing or self.failures >= THRESHOLD:
                self.openings += 1
                self.is_probing = False
                self.cool_downs.append(self.breaker.snapshot().retry_after_seconds)
                assert self.state is CircuitState.OPEN

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def end_undecided(self, data):
        if self.end_one(data, self.breaker.record_undecided):
            self.is_probing = False

    @rule(seconds=st.floats(0, 60))
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @invariant()
    def the_circuit_is_closed_until_failures_in_a_row_reach_the_threshold(self):
        assert (self.state is CircuitState.CLOSED) == (not self.cool_downs)
        assert self.breaker.snapshot().consecutive_failures == self.failures

    @invariant()
    def cool_downs_grow_and_stay_within_the_cap(self):
        assert self.cool_downs == sorted(self.cool_downs)
        assert all(0 < cool_down <= CAP_SECONDS + 1e-9 for cool_down in self.cool_downs)

    @invariant()
    def whoever_may_ask_waits_for_nothing(self):
        assert (self.breaker.snapshot().retry_after_seconds > 0) == (self.state is CircuitState.OPEN)


TestBreaker = BreakerMachine.TestCase

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from market_data.aggregator.circuit_breaker import CircuitBreaker, CircuitState
from market_data.aggregator.errors import CircuitOpenError
from tests.fakes import MovableClock, backoff

THRESHOLD = 3
CAP_SECONDS = 24.0


def breaker_of(clock):
    return CircuitBreaker(failure_threshold=THRESHOLD, cool_down=backoff(2, CAP_SECONDS), monotonic=clock.monotonic)


def fail(breaker, times):
    for _ in range(times):
        breaker.before_request()
        breaker.record_failure()


def test_a_success_between_failures_keeps_the_circuit_closed():
    breaker = breaker_of(MovableClock())
    fail(breaker, THRESHOLD - 1)
    breaker.record_success()
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
    breaker.before_request()
    breaker.record_undecided()

    assert breaker.snapshot().state is CircuitState.HALF_OPEN
    breaker.before_request()


def test_a_successful_probe_closes_the_circuit_and_the_next_cool_down_is_the_shortest_again():
    clock = MovableClock()
    breaker = breaker_of(clock)
    fail(breaker, THRESHOLD)
    clock.advance(2)
    fail(breaker, 1)
    clock.advance(4)
    breaker.before_request()
    breaker.record_success()
    fail(breaker, THRESHOLD)

    assert breaker.snapshot().retry_after_seconds == 2


class BreakerMachine(RuleBasedStateMachine):
    """Concurrent requests with any outcome at any time; those sent before an opening end before the next probe."""

    def __init__(self):
        super().__init__()
        self.clock = MovableClock()
        self.breaker = breaker_of(self.clock)
        self.under_way = 0
        self.failures = 0
        self.cool_downs = []

    @property
    def state(self):
        return self.breaker.snapshot().state

    @rule()
    def send(self):
        state, was_under_way = self.state, self.under_way
        try:
            self.breaker.before_request()
        except CircuitOpenError:
            assert state is CircuitState.OPEN or (state is CircuitState.HALF_OPEN and was_under_way == 1)
        else:
            assert state is CircuitState.CLOSED or (state is CircuitState.HALF_OPEN and was_under_way == 0)
            self.under_way += 1

    @precondition(lambda self: self.under_way)
    @rule()
    def succeed(self):
        self.under_way -= 1
        self.failures, self.cool_downs = 0, []
        self.breaker.record_success()
        assert self.state is CircuitState.CLOSED

    @precondition(lambda self: self.under_way)
    @rule()
    def fail(self):
        was_open = self.state is CircuitState.OPEN
        self.under_way -= 1
        self.failures += 1
        self.breaker.record_failure()
        if self.state is CircuitState.OPEN and not was_open:
            self.cool_downs.append(self.breaker.snapshot().retry_after_seconds)

    @precondition(lambda self: self.under_way)
    @rule()
    def end_undecided(self):
        self.under_way -= 1
        self.breaker.record_undecided()

    @precondition(lambda self: self.state is CircuitState.CLOSED or not self.under_way)
    @rule(seconds=st.floats(0, 60))
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @invariant()
    def the_circuit_is_closed_only_below_the_threshold(self):
        assert (self.state is CircuitState.CLOSED) == (self.failures < THRESHOLD)
        assert self.breaker.snapshot().consecutive_failures == self.failures

    @invariant()
    def cool_downs_grow_and_stay_within_the_cap(self):
        assert self.cool_downs == sorted(self.cool_downs)
        assert all(0 < cool_down <= CAP_SECONDS + 1e-9 for cool_down in self.cool_downs)

    @invariant()
    def whoever_may_ask_waits_for_nothing(self):
        assert (self.breaker.snapshot().retry_after_seconds > 0) == (self.state is CircuitState.OPEN)


TestBreaker = BreakerMachine.TestCase

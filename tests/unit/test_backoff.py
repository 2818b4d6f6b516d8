"""Everything that waits longer with every failure: backoff, resting hosts, quarantined symbols."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from market_data.aggregator.quarantine import Quarantine
from market_data.exchanges.backoff import ExponentialBackoff
from market_data.exchanges.hosts import HostPool
from tests.fakes import FALLBACK, HOST, MovableClock, backoff

CHANCES = st.floats(0, 1, exclude_max=True)


def test_without_a_failure_there_is_no_wait():
    assert backoff().delay_seconds(0) == 0


@given(st.integers(1, 10_000), st.floats(0.1, 10), st.floats(10, 1000), CHANCES)
def test_a_wait_stays_within_the_cap_and_jitter_never_shortens_it_by_more_than_a_quarter(failures, base, cap, chance):
    whole = ExponentialBackoff(base, cap, lambda: 0.0).delay_seconds(failures)
    wait = ExponentialBackoff(base, cap, lambda: chance).delay_seconds(failures)

    assert 0 < whole * 0.75 <= wait <= whole <= cap


@given(st.integers(1, 100))
def test_another_failure_doubles_the_wait_until_the_cap(failures):
    wait, next_wait = (backoff(2, 24).delay_seconds(count) for count in (failures, failures + 1))

    assert next_wait == min(24, 2 * wait)


def hosts_of(clock):
    return HostPool((HOST, FALLBACK), rest=backoff(10, 300), monotonic=clock.monotonic)


def test_a_host_that_failed_comes_after_those_that_did_not():
    hosts = hosts_of(MovableClock())
    hosts.failed(HOST)

    assert hosts.in_order() == (FALLBACK, HOST)


def test_a_rested_host_is_asked_first_again_and_a_second_failure_lets_it_rest_longer():
    clock = MovableClock()
    hosts = hosts_of(clock)
    hosts.failed(HOST)
    clock.advance(10)
    assert hosts.in_order()[0] == HOST

    hosts.failed(HOST)
    clock.advance(19.9)
    assert hosts.in_order()[0] == FALLBACK
    clock.advance(0.1)
    assert hosts.in_order()[0] == HOST


def test_where_every_host_failed_the_one_that_is_back_soonest_is_asked_first():
    clock = MovableClock()
    hosts = hosts_of(clock)
    hosts.failed(FALLBACK)
    clock.advance(1)
    hosts.failed(HOST)

    assert hosts.in_order() == (FALLBACK, HOST)


def test_a_success_ends_the_rest_and_forgets_the_failures():
    clock = MovableClock()
    hosts = hosts_of(clock)
    for _ in range(5):
        hosts.failed(HOST)
    hosts.succeeded(HOST)
    assert hosts.in_order()[0] == HOST

    hosts.failed(HOST)
    clock.advance(10)
    assert hosts.in_order()[0] == HOST


class QuarantineMachine(RuleBasedStateMachine):
    """Refusals and acceptances of one symbol at any times, against the rule told in plain words."""

    def __init__(self):
        super().__init__()
        self.clock = MovableClock()
        self.quarantine = Quarantine(wait=backoff(60, 3600), monotonic=self.clock.monotonic)
        self.refused_at = None
        self.wait = 0.0

    @rule(seconds=st.floats(0, 5000))
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @precondition(lambda self: not self.quarantine.is_resting("XYZUSDT"))
    @rule()
    def is_refused(self):
        self.wait = min(3600, self.wait * 2 or 60)
        self.refused_at = self.clock.monotonic()
        self.quarantine.add("XYZUSDT")

    @rule()
    def is_known_again(self):
        self.refused_at, self.wait = None, 0.0
        self.quarantine.remove("XYZUSDT")

    @invariant()
    def it_rests_for_its_wait_and_stays_suspect_until_it_is_known(self):
        is_resting = self.refused_at is not None and self.clock.monotonic() < self.refused_at + self.wait
        assert self.quarantine.is_resting("XYZUSDT") == is_resting
        assert self.quarantine.is_suspect("XYZUSDT") == (self.refused_at is not None)
        assert not self.quarantine.is_resting("BTCUSDT")
        assert not self.quarantine.is_suspect("BTCUSDT")


TestQuarantine = QuarantineMachine.TestCase

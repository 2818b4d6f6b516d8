import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from market_data.exchanges.errors import RateLimitedError
from market_data.exchanges.request_weight import RequestWeightBudget
from market_data.exchanges.response import HttpResponse
from tests.fakes import HOST, MovableClock

LIMIT = 1000
HALF_PAST = {"date": "Wed, 21 Oct 2015 12:00:30 GMT"}
"""The exchange's clock half a minute before its next minute."""
SECONDS_LEFT = 31
"""Half a minute, and a second for the fraction that a `Date` does not tell."""


def response_of(clock, **headers):
    return HttpResponse(HOST, 200, headers, b"", clock.now_ms())


def budget_of(clock, used=0, headers=HALF_PAST):
    budget = RequestWeightBudget(LIMIT, monotonic=clock.monotonic)
    budget.reserve(2)
    budget.release(2, used, response_of(clock, **headers))
    return budget


def test_near_the_limit_a_request_waits_for_the_exchange_s_next_minute():
    clock = MovableClock()
    budget = budget_of(clock, used=LIMIT - 10)
    with pytest.raises(RateLimitedError) as refusal:
        budget.reserve(2)
    assert refusal.value.retry_after_seconds == SECONDS_LEFT

    clock.advance(SECONDS_LEFT)
    budget.reserve(2)


def test_the_exchange_s_own_limit_takes_the_place_of_the_usual_one():
    budget = budget_of(MovableClock(), used=LIMIT // 2)
    budget.set_limit(LIMIT // 2)

    assert budget.snapshot().limit == LIMIT // 2
    with pytest.raises(RateLimitedError):
        budget.reserve(2)


def test_requests_under_way_count_before_they_are_answered():
    budget = budget_of(MovableClock(), used=LIMIT * 9 // 10)
    budget.reserve(40)

    with pytest.raises(RateLimitedError):
        budget.reserve(40)


def test_a_request_that_brought_no_count_is_taken_to_have_cost_its_weight():
    budget = budget_of(MovableClock(), used=123)
    budget.reserve(2)
    budget.release(2, None, response_of(MovableClock()))

    assert budget.snapshot().used == 125


def test_where_the_minute_s_rest_is_unknown_a_whole_one_is_assumed():
    clock = MovableClock()
    budget = budget_of(clock, used=LIMIT, headers={})
    clock.advance(59)
    assert budget.snapshot().retry_after_seconds == pytest.approx(1)


def test_cycles_become_rarer_the_nearer_the_limit_is_and_usual_again_in_the_next_minute():
    clock = MovableClock()
    paces = [budget_of(clock, used=used).cycles_per_refresh() for used in (0, 790, 800, 900)]
    assert paces == sorted(paces)
    assert paces[0] == paces[1] == 1 < paces[2] < paces[3]
    budget = budget_of(clock, used=LIMIT)
    assert budget.cycles_per_refresh() is None

    clock.advance(SECONDS_LEFT)
    assert budget.cycles_per_refresh() == 1


class BudgetMachine(RuleBasedStateMachine):
    """This process and others spend the same quota within a minute; the exchange counts everything."""

    def __init__(self):
        super().__init__()
        self.clock = MovableClock()
        self.budget = budget_of(self.clock, headers={})
        self.counted = 0
        self.under_way = []

    @rule(weight=st.integers(1, 400))
    def others_spend(self, weight):
        self.counted = min(LIMIT, self.counted + weight)

    @rule(weight=st.sampled_from([2, 20, 40, 80]))
    def send(self, weight):
        try:
            self.budget.reserve(weight)
        except RateLimitedError:
            assert (self.budget.snapshot().used or 0) + sum(self.under_way) + weight > LIMIT * 0.9
        else:
            self.under_way.append(weight)
            assert (self.budget.snapshot().used or 0) + sum(self.under_way) < LIMIT

    @precondition(lambda self: self.under_way)
    @rule()
    def is_answered(self):
        weight = self.under_way.pop()
        self.counted += weight
        self.budget.release(weight, self.counted, response_of(self.clock))

    @rule(seconds=st.floats(0, 1))
    def a_part_of_the_minute_passes(self, seconds):
        self.clock.advance(seconds)

    @invariant()
    def no_cycle_is_due_where_no_request_would_pass(self):
        snapshot = self.budget.snapshot()
        assert (snapshot.retry_after_seconds > 0) == (self.budget.cycles_per_refresh() is None)


TestBudget = BudgetMachine.TestCase

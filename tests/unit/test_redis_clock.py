"""Redis' clock as a process counts it on: between two answers, with its own clock anywhere."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.logs.incidents import IncidentLog
from market_data.ticker_cache.clock import RedisClock

TRUE_TIME_MS = 1_700_000_000_000
HOUR_MS = 3_600_000


class Host:
    """A host whose own clock is off, and a Redis that answers with the true time."""

    def __init__(self, own_error_ms: int = 0) -> None:
        self.seconds = 500.0
        self.own_error_ms = own_error_ms
        incidents = IncidentLog(logging.getLogger("market_data.tests"), self.monotonic)
        self.clock = RedisClock(monotonic=self.monotonic, own_now_ms=self.own_now_ms, incidents=incidents)

    def monotonic(self) -> float:
        return self.seconds

    def true_ms(self) -> float:
        return TRUE_TIME_MS + (self.seconds - 500.0) * 1000

    def own_now_ms(self) -> int:
        return int(self.true_ms()) + self.own_error_ms

    def ask(self, there_seconds: float = 0.0, back_seconds: float = 0.0) -> None:
        asked_at = self.seconds
        self.seconds += there_seconds
        redis_ms = self.true_ms()
        self.seconds += back_seconds
        self.clock.answered(redis_ms, asked_at)


WAYS = st.floats(0, 2)


@given(st.integers(-HOUR_MS, HOUR_MS), WAYS, WAYS, st.floats(0, 60))
def test_ages_are_never_too_young_and_dates_never_too_late_by_more_than_the_round_trip(error_ms, there, back, later):
    host = Host(error_ms)
    host.ask(there, back)
    host.seconds += later

    round_trip_ms = (there + back) * 1000
    assert -1.1 <= host.clock.now_ms() - host.true_ms() <= round_trip_ms + 0.1
    assert -round_trip_ms - 1.1 <= host.clock.stamp_ms() - host.true_ms() <= 0.1


def test_the_own_clock_changes_nothing_after_the_first_answer():
    host = Host()
    host.ask()
    host.own_error_ms = HOUR_MS
    host.seconds += 3

    assert host.clock.now_ms() == host.clock.stamp_ms() == TRUE_TIME_MS + 3_000


def test_before_the_first_answer_there_is_the_own_clock_alone():
    host = Host(HOUR_MS)

    assert host.clock.now_ms() == host.clock.stamp_ms() == TRUE_TIME_MS + HOUR_MS
    assert host.clock.status().ahead_ms is None


def test_a_redis_whose_clock_is_set_right_is_followed_with_its_next_answer():
    host = Host()
    host.ask()
    host.clock.answered(host.true_ms() - HOUR_MS, host.seconds)

    assert host.clock.now_ms() == TRUE_TIME_MS - HOUR_MS


@given(st.integers(-5_000, 5_000), WAYS, WAYS)
def test_a_slow_answer_does_not_make_a_right_clock_a_wrong_one(error_ms, there, back):
    host = Host(error_ms)
    host.ask(there, back)

    assert abs(host.clock.status().ahead_ms) <= abs(error_ms) + 1


@pytest.mark.parametrize(("error_ms", "words"), [(HOUR_MS, "3600.0 s ahead of"), (-1_500, "1.5 s behind")])
def test_a_host_whose_clock_is_off_is_named_in_one_line_and_in_one_when_it_is_right_again(caplog, error_ms, words):
    host = Host(error_ms)
    for _ in range(3):
        host.ask()
    host.own_error_ms = 600 * (1 if error_ms > 0 else -1)
    host.ask()
    began, *more = caplog.messages
    assert more == []
    assert f"clock: The clock of {host.clock.status().host} is {words} Redis'" in began

    host.own_error_ms = 20
    host.ask()
    host.ask()
    assert [message.partition(" after")[0] for message in caplog.messages[1:]] == ["clock: over"]


def test_a_clock_within_a_second_is_not_named(caplog):
    host = Host(1_000)
    host.ask()

    assert (host.clock.status().fault, caplog.messages) == (None, [])


def test_a_redis_that_does_not_tell_its_time_is_named_with_what_to_grant(caplog):
    host = Host()
    host.clock.refused()
    host.clock.refused()

    assert len(caplog.messages) == 1
    assert "+time" in caplog.messages[0]

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from market_data.exchanges.errors import BannedError, RateLimitedError
from market_data.exchanges.waits import Waits, ban_end_ms, retry_after_seconds
from tests.fakes import MovableClock, backoff

NOON_MS = 1_445_428_800_000  # 21 October 2015, 12:00 GMT
LONGEST_WAIT_SECONDS = 600
LONGEST_BAN_SECONDS = 3 * 24 * 3600


def pause_of(clock):
    return Waits(floor=backoff(10, 120), monotonic=clock.monotonic)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), (" 120 ", 120), ("Wed, 21 Oct 2015 12:01:30 GMT", 90), ("Wednesday, 21-Oct-15 12:01:30 GMT", 90)],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_by_the_exchange_s_clock(text, seconds):
    assert retry_after_seconds(text, NOON_MS) == seconds


@pytest.mark.parametrize("text", [None, "", "0", "-3", "abc", "1e9", "5 s", "٥", "Wed, 21 Oct 2015 11:59:00 GMT"])
def test_a_retry_after_without_sense_asks_for_nothing(text):
    assert retry_after_seconds(text, NOON_MS) is None


@given(st.text() | st.lists(st.sampled_from(["Mon,", "1", "99", "Jan", "2020", "25:61", "-1", "GMT"])).map(" ".join))
def test_no_text_of_retry_after_does_harm(text):
    seconds = retry_after_seconds(text, NOON_MS)

    assert seconds is None or (seconds > 0 and math.isfinite(seconds))


def test_the_end_of_a_ban_is_read_from_its_message():
    assert ban_end_ms("Way too much request weight used; IP banned until 1445428900000. Use WebSocket.") == NOON_MS + (
        100_000
    )
    assert ban_end_ms("Way too much request weight used; IP banned.") is None


def test_after_a_429_nothing_passes_until_the_asked_wait_is_over():
    clock = MovableClock()
    pause = pause_of(clock)
    pause.rate_limited(5)
    clock.advance(4.9)
    with pytest.raises(RateLimitedError):
        pause.check()

    clock.advance(0.2)
    pause.check()


def test_a_429_without_a_wait_gets_the_own_floor_and_a_later_one_a_longer_floor():
    clock = MovableClock()
    pause = pause_of(clock)
    assert pause.rate_limited(None) == 10
    clock.advance(10)
    assert pause.rate_limited(None) == 20

    pause.answered()
    assert pause.rate_limited(None) == 10


def test_a_ban_is_told_as_a_ban_and_outlasts_a_shorter_wait():
    pause = pause_of(MovableClock())
    pause.banned(300)
    pause.rate_limited(5)

    with pytest.raises(BannedError) as refusal:
        pause.check()
    assert refusal.value.retry_after_seconds == 300


def test_a_ban_without_an_end_is_kept_for_the_shortest_ban_known():
    assert pause_of(MovableClock()).banned(None) == 120


def test_an_earlier_fetcher_s_waits_are_kept_for_what_is_left_of_them():
    clock = MovableClock()
    pause = pause_of(clock)
    pause.restore(rate_limit_seconds=-5, ban_seconds=30)
    assert pause.snapshot().rate_limit_seconds == 0

    clock.advance(30)
    pause.check()


class PauseMachine(RuleBasedStateMachine):
    """Any waits that an exchange may ask for, in any order: none is cut short, none is endless."""

    def __init__(self):
        super().__init__()
        self.clock = MovableClock()
        self.pause = pause_of(self.clock)
        self.free_at = 0.0

    def owe(self, seconds):
        self.free_at = max(self.free_at, self.clock.monotonic() + seconds)

    @rule(asked=st.none() | st.floats(0.001, 1e9))
    def is_rate_limited(self, asked):
        wait = self.pause.rate_limited(asked)
        assert 0 < wait <= LONGEST_WAIT_SECONDS
        if asked is not None:
            assert wait == min(asked, LONGEST_WAIT_SECONDS)
        self.owe(wait)

    @rule(asked=st.none() | st.floats(0.001, 1e12))
    def is_banned(self, asked):
        wait = self.pause.banned(asked)
        assert 0 < wait <= LONGEST_BAN_SECONDS
        if asked is not None:
            assert wait == min(asked, LONGEST_BAN_SECONDS)
        self.owe(wait)

    @rule()
    def gets_an_answer_to_an_earlier_request(self):
        self.pause.answered()

    @rule(seconds=st.floats(0, 1000))
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @invariant()
    def a_request_passes_exactly_when_every_wait_is_over(self):
        left = self.pause.snapshot()
        assert max(left.rate_limit_seconds, left.ban_seconds) == pytest.approx(
            max(0.0, self.free_at - self.clock.monotonic())
        )
        if self.clock.monotonic() < self.free_at:
            with pytest.raises(RateLimitedError):
                self.pause.check()
        else:
            self.pause.check()


TestPause = PauseMachine.TestCase

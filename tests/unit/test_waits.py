import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from market_data.exchanges.errors import BannedError, RateLimitedError
from market_data.exchanges.response import HttpResponse
from market_data.exchanges.waits import Waits, asked_wait_seconds
from tests.fakes import HOST, MovableClock, backoff

NOON_MS = 1_445_428_800_000  # 21 October 2015, 12:00 GMT
LONGEST_WAIT_SECONDS = 600
LONGEST_BAN_SECONDS = 3 * 24 * 3600


def waits_of(clock):
    return Waits(floor=backoff(10, 120), monotonic=clock.monotonic)


def asked(text):
    headers = {} if text is None else {"retry-after": text}
    return asked_wait_seconds(HttpResponse(HOST, 429, headers, b"", NOON_MS))


def rate_limited(waits, seconds=0.0):
    """Return how long a 429 makes everybody wait; `seconds` is what it asks for, zero for nothing."""
    return waits.obey(RateLimitedError("429", seconds)).retry_after_seconds


def banned(waits, seconds=0.0):
    return waits.obey(BannedError("418", seconds)).retry_after_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5),
        (" 120 ", 120),
        ("120.5", 120.5),
        ("Wed, 21 Oct 2015 12:01:30 GMT", 90),
        ("Wednesday, 21-Oct-15 12:01:30 GMT", 90),
        ("Wed, 21 Oct 2015 12:01:30 -0000", 90),  # no zone, which Python takes for the local one
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date_by_the_exchange_s_clock(text, seconds):
    assert asked(text) == seconds


@pytest.mark.parametrize("text", [None, "", "0", "-3", "abc", "1e9", "5 s", "٥", "Wed, 21 Oct 2015 11:59:00 GMT"])
def test_a_retry_after_without_sense_asks_for_nothing(text):
    assert asked(text) == 0


@given(st.text() | st.lists(st.sampled_from(["Mon,", "1", "99", "Jan", "2020", "25:61", "-1", "GMT"])).map(" ".join))
def test_no_text_of_retry_after_does_harm(text):
    seconds = asked(text)

    assert seconds >= 0
    assert math.isfinite(seconds)


def test_after_a_429_nothing_passes_until_the_asked_wait_is_over():
    clock = MovableClock()
    waits = waits_of(clock)
    rate_limited(waits, 5)
    clock.advance(4.9)
    with pytest.raises(RateLimitedError):
        waits.check()

    clock.advance(0.2)
    waits.check()


def test_a_429_without_a_wait_gets_the_own_floor_and_a_later_one_a_longer_floor():
    clock = MovableClock()
    waits = waits_of(clock)
    assert rate_limited(waits) == 10
    clock.advance(10)
    assert rate_limited(waits) == 20

    waits.answered()
    assert rate_limited(waits) == 10


def test_a_ban_is_told_as_a_ban_and_outlasts_a_shorter_wait():
    waits = waits_of(MovableClock())
    banned(waits, 300)
    rate_limited(waits, 5)

    with pytest.raises(BannedError) as refusal:
        waits.check()
    assert refusal.value.retry_after_seconds == 300


def test_a_ban_without_an_end_is_kept_for_the_shortest_ban_known():
    assert banned(waits_of(MovableClock())) == 120


def test_an_earlier_fetcher_s_waits_are_kept_for_what_is_left_of_them():
    clock = MovableClock()
    waits = waits_of(clock)
    waits.restore(rate_limit_seconds=-5, ban_seconds=30)
    assert waits.snapshot().rate_limit_seconds == 0

    clock.advance(30)
    waits.check()


class WaitsMachine(RuleBasedStateMachine):
    """Any waits that an exchange may ask for, in any order: none is cut short, none is endless."""

    def __init__(self):
        super().__init__()
        self.clock = MovableClock()
        self.waits = waits_of(self.clock)
        self.free_at = 0.0

    def owe(self, seconds):
        self.free_at = max(self.free_at, self.clock.monotonic() + seconds)

    @rule(asked=st.just(0.0) | st.floats(0.001, 1e9))
    def is_rate_limited(self, asked):
        wait = rate_limited(self.waits, asked)
        assert 0 < wait <= LONGEST_WAIT_SECONDS
        if asked:
            assert wait == min(asked, LONGEST_WAIT_SECONDS)
        self.owe(wait)

    @rule(asked=st.just(0.0) | st.floats(0.001, 1e12))
    def is_banned(self, asked):
        wait = banned(self.waits, asked)
        assert 0 < wait <= LONGEST_BAN_SECONDS
        if asked:
            assert wait == min(asked, LONGEST_BAN_SECONDS)
        self.owe(wait)

    @rule()
    def gets_an_answer_to_an_earlier_request(self):
        self.waits.answered()

    @rule(seconds=st.floats(0, 1000))
    def time_passes(self, seconds):
        self.clock.advance(seconds)

    @invariant()
    def a_request_passes_exactly_when_every_wait_is_over(self):
        left = self.waits.snapshot()
        assert max(left.rate_limit_seconds, left.ban_seconds) == pytest.approx(
            max(0.0, self.free_at - self.clock.monotonic())
        )
        if self.clock.monotonic() < self.free_at:
            with pytest.raises(RateLimitedError):
                self.waits.check()
        else:
            self.waits.check()


TestWaits = WaitsMachine.TestCase

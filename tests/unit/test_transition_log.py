import logging

import msgspec
import pytest

from market_data.fetcher.transition_log import TransitionLog
from market_data.ticker_cache.status import (
    BackoffStatus,
    CircuitStatus,
    ExchangeStatus,
    FetcherStatus,
    FetchStats,
    RateLimitStatus,
)
from tests.fakes import MovableClock

USUAL = FetcherStatus(1, 1, 4000, FetchStats(), CircuitStatus(), RateLimitStatus(44, 6000), ExchangeStatus(), {})
TROUBLES = {
    "circuit_breaker": {"circuit_breaker": CircuitStatus("open", 3, 1_700_000_002_000)},
    "rate_limit": {"rate_limit": RateLimitStatus(5990, 6000, 1_700_000_005_000)},
    "ban": {"exchange": ExchangeStatus(banned_until=1_700_000_060_000)},
    "backoff": {"backoff": BackoffStatus(1, 1_700_000_004_000)},
}


class Changes:
    """State changes whose lines a test can read as dictionaries."""

    def __init__(self, caplog):
        self.clock = MovableClock()
        self._changes = TransitionLog(self.clock.monotonic)
        self._caplog = caplog

    def report(self, **parts):
        self.clock.advance(4)
        self._changes.note_report(msgspec.structs.replace(USUAL, **parts))

    def lease(self, state):
        self._changes.note_lease(state, "host:17:0123abcd")

    @property
    def lines(self):
        return [dict(word.split("=", 1) for word in line.split()) for line in self._caplog.messages]


@pytest.fixture
def changes(caplog):
    caplog.set_level(logging.INFO, "market_data")
    return Changes(caplog)


def test_what_stays_usual_is_never_logged(changes):
    for used_weight in range(3):
        changes.report(rate_limit=RateLimitStatus(used_weight, 6000))

    assert changes.lines == []


@pytest.mark.parametrize("what", TROUBLES)
def test_a_trouble_has_one_line_when_it_begins_and_one_with_its_length_when_it_is_over(changes, what):
    for _ in range(5):
        changes.report(**TROUBLES[what])
    assert [(line["change"], "lasted_seconds" in line) for line in changes.lines] == [(what, False)]

    changes.report()
    changes.report()
    assert len(changes.lines) == 2
    assert (changes.lines[1]["change"], changes.lines[1]["lasted_seconds"]) == (what, "20.0")
    assert changes.lines[1]["to"] == changes.lines[0]["from"]


def test_a_line_carries_what_an_operator_needs_to_wait_for(changes):
    changes.report(**{name: value for parts in TROUBLES.values() for name, value in parts.items()})
    facts = {line["change"]: line for line in changes.lines}

    assert facts["circuit_breaker"]["retry_at"] == "1700000002000"
    assert facts["rate_limit"]["retry_at"] == "1700000005000"
    assert facts["ban"]["banned_until"] == "1700000060000"
    assert facts["backoff"]["next_cycle_at"] == "1700000004000"


def test_slowing_down_before_the_limit_is_a_change_of_its_own(changes):
    changes.report(rate_limit=RateLimitStatus(4900, 6000, intervals_per_cycle=2))
    changes.report(rate_limit=RateLimitStatus(5750, 6000, 1_700_000_005_000, 3))
    changes.report()

    assert [(line["from"], line["to"]) for line in changes.lines] == [
        ("free", "slowed"),
        ("slowed", "waiting"),
        ("waiting", "free"),
    ]


def test_every_way_that_a_lease_may_go_is_told_with_its_token(changes):
    for state in ("standby", "standby", "held", "held", "lost", "none"):
        changes.lease(state)

    assert [line["to"] for line in changes.lines] == ["standby", "held", "lost", "none"]
    assert {line["token"] for line in changes.lines} == {"host:17:0123abcd"}


def test_trouble_is_a_warning_and_its_end_is_not(changes, caplog):
    changes.report(**TROUBLES["ban"])
    changes.report()
    changes.lease("held")
    changes.lease("lost")

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "INFO", "WARNING"]

from contextlib import suppress

import pytest

from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.read_breaker import LONGEST_REST_SECONDS, CacheOutage
from tests.fakes import MovableClock


@pytest.fixture
def clock():
    return MovableClock()


@pytest.fixture
def outage(clock):
    return CacheOutage(clock.monotonic)


def fail(outage, clock, seconds=0.5, reason="no answer"):
    with suppress(CacheUnavailableError), outage.reading():
        clock.advance(seconds)
        raise CacheUnavailableError(reason)


def passes(outage):
    try:
        with outage.reading():
            return True
    except CacheUnavailableError:
        return False


def test_after_a_time_out_readers_are_told_at_once_for_as_long_as_that_took(clock, outage):
    fail(outage, clock, seconds=0.5)
    began_at = clock.monotonic()
    with pytest.raises(CacheUnavailableError, match="no answer"), outage.reading():
        pytest.fail("Redis was asked")
    assert clock.monotonic() == began_at

    clock.advance(0.5)
    assert passes(outage)


def test_a_redis_that_refuses_at_once_is_asked_every_time(clock, outage):
    fail(outage, clock, seconds=0)

    assert passes(outage)


def test_one_reader_at_a_time_finds_out_whether_redis_is_back(clock, outage):
    fail(outage, clock)
    clock.advance(0.5)
    with outage.reading():
        assert not passes(outage)
    assert passes(outage)


def test_while_redis_answers_any_number_of_readers_ask_at_once(outage):
    with outage.reading(), outage.reading():
        assert passes(outage)


def test_a_probe_that_fails_prolongs_the_outage_and_another_error_leaves_the_way_free(clock, outage):
    fail(outage, clock)
    clock.advance(0.5)
    fail(outage, clock, reason="still no answer")
    assert not passes(outage)

    clock.advance(0.5)
    with pytest.raises(ZeroDivisionError), outage.reading():
        raise ZeroDivisionError
    assert passes(outage)


def test_no_rest_is_long_however_long_the_failure_took(clock, outage):
    fail(outage, clock, seconds=60)
    clock.advance(LONGEST_REST_SECONDS)

    assert passes(outage)

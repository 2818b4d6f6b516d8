from contextlib import suppress

import pytest

from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.read_breaker import LONGEST_REST_SECONDS, ReadBreaker
from tests.fakes import MovableClock


@pytest.fixture
def clock():
    return MovableClock()


@pytest.fixture
def breaker(clock):
    return ReadBreaker(clock.monotonic)


def fail(breaker, clock, seconds=0.5, reason="no answer"):
    with suppress(CacheUnavailableError), breaker.reading():
        clock.advance(seconds)
        raise CacheUnavailableError(reason)


def passes(breaker):
    try:
        with breaker.reading():
            return True
    except CacheUnavailableError:
        return False


def test_after_a_time_out_readers_are_told_at_once_for_as_long_as_that_took(clock, breaker):
    fail(breaker, clock, seconds=0.5)
    began_at = clock.monotonic()
    with pytest.raises(CacheUnavailableError, match="no answer"), breaker.reading():
        pytest.fail("Redis was asked")
    assert clock.monotonic() == began_at

    clock.advance(0.5)
    assert passes(breaker)


def test_a_redis_that_refuses_at_once_is_asked_every_time(clock, breaker):
    fail(breaker, clock, seconds=0)

    assert passes(breaker)


def test_one_reader_at_a_time_finds_out_whether_redis_is_back(clock, breaker):
    fail(breaker, clock)
    clock.advance(0.5)
    with breaker.reading():
        assert not passes(breaker)
    assert passes(breaker)


def test_while_redis_answers_any_number_of_readers_ask_at_once(breaker):
    with breaker.reading(), breaker.reading():
        assert passes(breaker)


def test_a_probe_that_fails_prolongs_the_outage_and_another_error_leaves_the_way_free(clock, breaker):
    fail(breaker, clock)
    clock.advance(0.5)
    fail(breaker, clock, reason="still no answer")
    assert not passes(breaker)

    clock.advance(0.5)
    with pytest.raises(ZeroDivisionError), breaker.reading():
        raise ZeroDivisionError
    assert passes(breaker)


def test_no_rest_is_long_however_long_the_failure_took(clock, breaker):
    fail(breaker, clock, seconds=60)
    clock.advance(LONGEST_REST_SECONDS)

    assert passes(breaker)

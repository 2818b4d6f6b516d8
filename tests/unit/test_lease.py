import pytest

from market_data.fetcher.lease import FetcherLease
from market_data.ticker_cache.errors import CacheUnavailableError, LeaseLostError
from tests.fakes import MemoryTickerCache, MovableClock

LIFE_SECONDS = 60


@pytest.fixture
def clock():
    return MovableClock()


@pytest.fixture
def cache(clock):
    return MemoryTickerCache(clock)


def lease_of(clock, cache):
    return FetcherLease(cache, ttl_ms=LIFE_SECONDS * 1000, patience_ms=8000, monotonic=clock.monotonic)


@pytest.fixture
def lease(clock, cache):
    with_lease = lease_of(clock, cache)
    yield with_lease
    cache.is_away = False
    with_lease.release()


def test_of_two_fetchers_one_has_the_lease(clock, cache, lease):
    other = lease_of(clock, cache)

    assert (lease.try_acquire(), other.try_acquire()) == (True, False)
    assert (lease.is_held, other.is_held) == (True, False)


def test_no_two_fetchers_have_the_same_token(clock, cache):
    assert lease_of(clock, cache).token != lease_of(clock, cache).token


def test_a_released_lease_is_free_at_once(clock, cache, lease):
    lease.try_acquire()
    lease.release()
    other = lease_of(clock, cache)

    assert not lease.is_held
    assert other.try_acquire()
    other.release()


def test_a_process_that_slept_through_its_lease_knows_without_asking_redis(clock, cache, lease):
    lease.try_acquire()
    clock.advance(LIFE_SECONDS)
    cache.is_away = True

    assert not lease.is_held


def test_a_renewal_prolongs_the_lease_from_the_moment_it_was_asked_for(clock, lease):
    lease.try_acquire()
    clock.advance(LIFE_SECONDS - 1)
    lease.renew()
    clock.advance(LIFE_SECONDS - 1)
    assert lease.is_held

    clock.advance(1)
    assert not lease.is_held


def test_a_lease_that_another_took_meanwhile_cannot_be_renewed_and_its_release_does_not_harm_the_other(
    clock, cache, lease
):
    lease.try_acquire()
    cache.give_lease_to("another", LIFE_SECONDS)
    with pytest.raises(LeaseLostError):
        lease.renew()

    lease.release()
    assert cache.lease_holder() == "another"


def test_a_release_while_redis_is_away_is_quiet(cache, lease):
    lease.try_acquire()
    cache.is_away = True
    lease.release()

    assert not lease.is_held


def test_who_cannot_ask_redis_does_not_have_the_lease(cache, lease):
    cache.is_away = True
    with pytest.raises(CacheUnavailableError):
        lease.try_acquire()

    assert not lease.is_held


def test_a_lease_that_redis_lost_is_taken_again_by_its_holder_and_left_alone_by_a_standby(clock, cache, lease):
    standby = lease_of(clock, cache)
    lease.try_acquire()
    standby.try_acquire()
    cache.lose_lease()
    clock.advance(0.5)

    assert not standby.try_acquire()
    with pytest.raises(LeaseLostError):
        lease.renew()
    lease.lose()
    assert lease.try_acquire()
    assert not standby.try_acquire()


def test_a_standby_waits_for_one_life_where_redis_lost_the_lease_and_its_holder_is_gone(clock, cache, lease):
    standby = lease_of(clock, cache)
    lease.try_acquire()
    standby.try_acquire()
    cache.lose_lease()
    standby.try_acquire()
    clock.advance(LIFE_SECONDS)

    assert not lease.is_held
    assert standby.try_acquire()
    standby.release()

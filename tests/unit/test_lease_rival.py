import pytest

from market_data.fetcher.lease_rival import LeaseRival
from market_data.ticker_cache.lease import LeaseReading

LIFE_SECONDS = 6.0
FREE = LeaseReading(None, 0, None)
OWN = LeaseReading("own", 6000, None)


def held(remaining_seconds, holder="rival"):
    return LeaseReading(holder, round(remaining_seconds * 1000), None)


def released(by="rival"):
    return LeaseReading(None, 0, by)


@pytest.fixture
def rival():
    return LeaseRival("own", round(LIFE_SECONDS * 1000))


def test_a_lease_that_nobody_was_seen_with_is_free(rival):
    assert rival.leaves_free(FREE, 100)


def test_a_held_lease_is_not_free_and_the_own_one_is(rival):
    assert not rival.leaves_free(held(5), 100)
    assert rival.leaves_free(OWN, 101)


def test_a_lease_that_ran_out_is_free_at_once(rival):
    rival.leaves_free(held(0.4), 100)

    assert rival.leaves_free(FREE, 100.5)


def test_a_lease_that_was_given_back_is_free_at_once(rival):
    rival.leaves_free(held(5), 100)

    assert rival.leaves_free(released(), 100.5)


@pytest.mark.parametrize("reading", [FREE, released(by="someone before")])
def test_a_lease_that_vanished_before_its_time_is_left_alone_for_one_life(rival, reading):
    rival.leaves_free(held(5), 100)

    assert not rival.leaves_free(reading, 100.5)
    assert not rival.leaves_free(reading, 100.4 + LIFE_SECONDS)
    assert rival.leaves_free(reading, 100.5 + LIFE_SECONDS)


def test_a_holder_that_takes_its_vanished_lease_again_goes_on_and_may_give_it_back(rival):
    rival.leaves_free(held(5), 100)
    rival.leaves_free(FREE, 100.5)

    assert not rival.leaves_free(held(6), 101)
    assert rival.leaves_free(released(), 101.5)


def test_after_an_outage_of_redis_the_lease_is_left_alone_for_one_life_from_its_beginning(rival):
    rival.leaves_free(held(1), 100)
    rival.out_of_sight(100.5)
    rival.out_of_sight(103)

    assert not rival.leaves_free(FREE, 104)
    assert not rival.leaves_free(FREE, 100.4 + LIFE_SECONDS)
    assert rival.leaves_free(FREE, 100.5 + LIFE_SECONDS)


def test_an_outage_longer_than_a_life_leaves_no_holder_and_so_no_wait(rival):
    rival.leaves_free(held(5), 100)
    rival.out_of_sight(100.5)

    assert rival.leaves_free(FREE, 100.5 + LIFE_SECONDS)


def test_an_outage_that_the_lease_outlived_changes_nothing(rival):
    rival.out_of_sight(90)
    rival.leaves_free(held(5), 100)

    assert rival.leaves_free(released(), 100.5)

import pytest

from market_data.aggregator.symbol_schedule import SymbolSchedule
from tests.fakes import backoff


@pytest.fixture
def schedule():
    return SymbolSchedule(backoff(10, 300))


def first_due(is_due, since, until=8_000):
    """Return after how many seconds something is due."""
    return next((seconds for seconds in range(until - since) if is_due(since + seconds)), None)


def test_a_list_is_due_at_once_and_then_hourly(schedule):
    assert schedule.is_load_due(0)
    schedule.load_succeeded(0)

    assert first_due(schedule.is_load_due, 0) == 3600


def test_statuses_are_due_twice_a_minute_and_only_where_there_is_a_list(schedule):
    assert first_due(schedule.is_check_due, 0) is None
    schedule.load_succeeded(0)
    assert first_due(schedule.is_check_due, 0) == 30

    schedule.check_succeeded(30)
    assert first_due(schedule.is_check_due, 30) == 30


@pytest.mark.parametrize(("within_seconds", "age"), [(0, 30), (20, 30), (300, 300)])
def test_a_list_wanted_sooner_comes_sooner_but_never_more_than_twice_a_minute(schedule, within_seconds, age):
    schedule.load_succeeded(0)
    schedule.want_load(within_seconds)

    assert first_due(schedule.is_load_due, 0) == age


def test_a_list_that_fails_is_due_ever_more_rarely_whoever_wants_it_and_no_status_before_it(schedule):
    schedule.load_succeeded(0)
    waits = []
    for _ in range(7):
        schedule.load_failed(3600, 0)
        schedule.want_load()
        waits.append(first_due(schedule.is_load_due, 3600))
        assert first_due(schedule.is_check_due, 3600) >= waits[-1]

    assert waits == [10, 20, 40, 80, 160, 300, 300]


def test_after_a_429_prices_come_first_and_the_list_waits_for_longer(schedule):
    schedule.load_failed(0, 120)

    assert first_due(schedule.is_load_due, 0) == 120 + 10


def test_a_doubt_brings_statuses_soon_but_not_where_asking_fails_anyway(schedule):
    schedule.load_succeeded(0)
    schedule.want_check()
    assert first_due(schedule.is_check_due, 0) == 5

    schedule.check_failed(5)
    schedule.want_check()
    assert first_due(schedule.is_check_due, 5) == 30


def test_while_the_same_pairs_cannot_be_priced_lists_come_ever_more_rarely_and_soon_again_for_others(schedule):
    now, gaps = 0, []
    for _ in range(8):
        schedule.load_succeeded(now)
        schedule.note_unsettled(frozenset(["XYZ/USDT"]))
        gaps.append(first_due(schedule.is_load_due, now))
        now += gaps[-1]
    assert gaps == [30, 60, 120, 240, 480, 960, 1920, 1920]

    schedule.load_succeeded(now)
    schedule.note_unsettled(frozenset(["XYZ/USDT", "ABC/USDT"]))
    assert first_due(schedule.is_load_due, now, now + 100) == 30

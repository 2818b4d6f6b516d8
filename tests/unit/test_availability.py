"""The rule of which record stands for a pair now."""

from hypothesis import given
from hypothesis import strategies as st

from market_data.ticker.availability import CLOCK_TOLERANCE_MS, PriceState, age_ms, availability
from market_data.ticker.record import StoredTicker
from tests.fakes import UNIX_TIME_AT_START_MS as NOW_MS
from tests.fakes import app_settings

SETTINGS = app_settings()
STALE_TTL_MS, CACHE_TTL_MS = SETTINGS.cache_stale_ttl_ms, SETTINGS.cache_ttl_ms
AGES = st.integers(-40_000, 40_000)
RECORDS = st.none() | AGES.map(lambda age: ticker(age))
MAX_STALE = st.sampled_from([0, 1, 5_000, 86_400_000])


def ticker(age):
    return StoredTicker("BTC/USDT", b'{"a":%d}' % age, NOW_MS - age)


def found(current=None, last_known=None, max_stale_ms=0, later_ms=0):
    return availability(current, last_known, NOW_MS + later_ms, SETTINGS, max_stale_ms)


@given(AGES)
def test_a_current_price_is_fresh_then_stale_and_then_none(age):
    state = found(ticker(age)).state

    assert (state is PriceState.FRESH) == (-CLOCK_TOLERANCE_MS <= age <= STALE_TTL_MS)
    assert (state is PriceState.STALE) == (STALE_TTL_MS < age <= CACHE_TTL_MS)
    assert (state is PriceState.MISSING) == (age > CACHE_TTL_MS or age < -CLOCK_TOLERANCE_MS)


@given(RECORDS, RECORDS, MAX_STALE)
def test_nothing_past_its_life_is_current_and_no_last_known_price_ever_is(current, last_known, max_stale_ms):
    one = found(current, last_known, max_stale_ms)

    if one.is_current:
        assert one.ticker is current
        assert 0 <= one.age_ms <= CACHE_TTL_MS
    if one.state is PriceState.EXPIRED:
        assert one.age_ms <= CACHE_TTL_MS + max_stale_ms
        assert one.raw.endswith(b',"stale":true}')
    assert (one.ticker is None) == (one.state is PriceState.MISSING)


@given(RECORDS, RECORDS, MAX_STALE.filter(bool))
def test_who_accepts_old_prices_gets_the_newest_of_those_that_are_old(current, last_known, max_stale_ms):
    one = found(current, last_known, max_stale_ms)

    ages = [age_ms(record.received_at_ms, NOW_MS) for record in (current, last_known) if record]
    acceptable = [age for age in ages if age is not None and age <= CACHE_TTL_MS + max_stale_ms]
    if not one.is_current:
        assert one.age_ms == min(acceptable, default=None)


@given(RECORDS, RECORDS, MAX_STALE, st.integers(0, 80_000))
def test_the_same_record_stands_until_the_instant_that_is_told_and_a_current_one_no_longer(
    current, last_known, max_stale_ms, later_ms
):
    now = found(current, last_known, max_stale_ms)
    until_ms = now.until_ms - NOW_MS
    same = found(current, last_known, max_stale_ms, min(later_ms, until_ms))

    assert (same.ticker, same.is_current) == (now.ticker, now.is_current)
    assert not now.is_current or not found(current, last_known, max_stale_ms, until_ms + 1).is_current


def test_an_age_is_not_known_of_what_another_clock_dated_into_the_future():
    assert age_ms(NOW_MS + CLOCK_TOLERANCE_MS, NOW_MS) == 0
    assert age_ms(NOW_MS + CLOCK_TOLERANCE_MS + 1, NOW_MS) is None

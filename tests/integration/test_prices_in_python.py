"""`get_prices`: what server-side code reads from a real cache, without HTTP."""

from decimal import Decimal

import pytest
import redis
from django.conf import LazySettings

from development.embedded_cache import EmbeddedCache
from market_data.prices import CacheUnavailableError, Price, get_prices
from tests.web_site import PriceKeys, now_ms

MINUTE_MS = 60_000


@pytest.fixture
def keys(redis_client: redis.Redis, ticker_cache) -> PriceKeys:
    """A pen for an empty cache, which `get_prices` reads."""
    return PriceKeys(redis_client)


def test_a_pair_that_is_not_configured_has_no_price_as_in_the_api(keys: PriceKeys) -> None:
    keys.write("GHOST/USDT", "BTC/USDT")

    assert list(get_prices(["GHOST/USDT", "BTC/USDT"], max_stale_ms=60_000)) == ["BTC/USDT"]


def test_a_price_has_every_digit_of_the_exchange_and_its_true_age(keys: PriceKeys, settings: LazySettings) -> None:
    settings.TRADING_PAIRS = ["SHIB/USDT"]
    before = now_ms()
    keys.write("SHIB/USDT", age_ms=3000)
    price = get_prices(["SHIB/USDT"])["SHIB/USDT"]

    assert isinstance(price, Price)
    assert (price.pair, price.is_stale) == ("SHIB/USDT", False)
    assert [f"{number:f}" for number in (price.price, price.low_24h, price.high_24h, price.volume)] == [
        "0.00001234",
        "0.00001201",
        "0.00001299",
        "1082448588.00",
    ]
    assert price.change_24h_percent == Decimal("0.000")
    assert price.exchange == "binance"
    assert before - 3000 <= price.received_at_ms <= now_ms() - 3000
    assert price.age_ms >= 3000  # by Redis' clock, and later by no more than its answer took


def test_a_record_of_a_version_that_knew_one_exchange_names_none(keys: PriceKeys) -> None:
    keys.write("BTC/USDT", exchange=None)

    assert get_prices(["BTC/USDT"])["BTC/USDT"].exchange is None


def test_pairs_keep_their_order_are_written_as_the_api_does_and_come_once(keys: PriceKeys) -> None:
    keys.write("BTC/USDT", "ETH/USDT")

    assert list(get_prices(iter([" eth/usdt", "BTC/USDT", "ETH/USDT"]))) == ["ETH/USDT", "BTC/USDT"]


def test_a_pair_without_a_price_is_absent(keys: PriceKeys) -> None:
    keys.write("BTC/USDT")

    assert list(get_prices(["BTC/USDT", "XYZ/USDT"])) == ["BTC/USDT"]
    assert get_prices([]) == {}


def test_a_last_known_price_comes_only_to_those_who_accept_one_and_says_that_it_is_stale(keys: PriceKeys) -> None:
    keys.write("BTC/USDT", age_ms=MINUTE_MS, is_current=False)

    assert get_prices(["BTC/USDT"]) == {}
    assert get_prices(["BTC/USDT"], max_stale_ms=1000) == {}
    assert get_prices(["BTC/USDT"], max_stale_ms=10 * MINUTE_MS)["BTC/USDT"].is_stale


@pytest.mark.parametrize("pairs", [["BTCUSDT"], [""], "BTC/USDT", b"BTC/USDT", [None], [("BTC", "USDT")]], ids=repr)
def test_what_is_no_pair_is_refused_with_what_to_write(keys: PriceKeys, pairs) -> None:
    with pytest.raises(ValueError, match="BTC/USDT"):
        get_prices(pairs)


@pytest.mark.parametrize("max_stale_ms", [-1, 1.5, "1000", None, True], ids=repr)
def test_an_impossible_max_stale_ms_is_refused(keys: PriceKeys, max_stale_ms) -> None:
    with pytest.raises(ValueError, match="max_stale_ms"):
        get_prices(["BTC/USDT"], max_stale_ms)


def test_a_cache_that_is_away_is_an_error_that_says_so(django_cache_at) -> None:
    with EmbeddedCache() as gone:
        url = gone.url
    django_cache_at(url)

    with pytest.raises(CacheUnavailableError, match="no connection to Redis"):
        get_prices(["BTC/USDT"])

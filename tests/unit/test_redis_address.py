"""`REDIS_URL` in the form that names sentinels, and what Django's cache is made of from it."""

import pytest

from nexusmeme.environment import SITE_SETTINGS
from nexusmeme.redis_cache import SENTINEL_EXAMPLE, SentinelAddress, redis_cache


def test_the_example_has_the_form_that_it_shows():
    address = SentinelAddress.parse(SENTINEL_EXAMPLE)

    assert address.sentinels == (("sentinel1", 26379), ("sentinel2", 26379), ("sentinel3", 26379))
    assert (address.service, address.credentials) == ("mymaster", {})
    assert address.primary_url == "redis://:password@mymaster/0"


def test_every_part_but_sentinels_and_service_may_be_left_out():
    address = SentinelAddress.parse("redis+sentinel://one,[::1]:5/My.Master")

    assert address.sentinels == (("one", 26379), ("::1", 5))
    assert (address.service, address.primary_url) == ("My.Master", "redis://My.Master/0")


def test_the_sentinels_have_credentials_of_their_own():
    url = "redis+sentinel://user:p%40ss@one:5/prices/2?sentinel_username=u&sentinel_password=s%26cret&socket_timeout=2"
    address = SentinelAddress.parse(url)

    assert address.credentials == {"username": "u", "password": "s&cret"}
    assert address.primary_url == "redis://user:p%40ss@prices/2?socket_timeout=2"


@pytest.mark.parametrize(
    "rest", ["", "one", "one/", "/prices", "one:port/prices", "one:5,/prices", "one/prices/zero", "a@b@one/prices"]
)
def test_an_address_without_sentinels_or_service_is_refused_with_an_example(rest):
    with pytest.raises(ValueError, match="mymaster"):
        SITE_SETTINGS["REDIS_URL"].parse(f"redis+sentinel://{rest}")


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", SENTINEL_EXAMPLE])
def test_every_connection_has_bounds_and_no_retries_of_its_own(url):
    options = redis_cache(SITE_SETTINGS["REDIS_URL"].parse(url))["OPTIONS"]

    for connection in [options["CONNECTION_POOL_KWARGS"], options.get("SENTINEL_KWARGS")]:
        if connection is not None:
            assert connection["socket_timeout"] == connection["socket_connect_timeout"] == 0.5
            assert connection["retry"].get_retries() == 0

"""The OpenAPI description says exactly what the API does: every status, header and parameter."""

import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from django.test import Client

from development.embedded_cache import EmbeddedCache
from market_data.api.response import SECURITY_HEADERS
from market_data.ticker_cache.cache import TickerCache
from tests.web_site import PAIRS, REPOSITORY, PriceKeys, WebSite

PREFIX = "/api/market-data/"
UNDESCRIBED_HEADERS = {"allow", "content-length", "content-type", "vary", *map(str.lower, SECURITY_HEADERS)}
"""What HTTP itself and the restrictions for browsers add to every response."""


@pytest.fixture(scope="module")
def description() -> dict:
    return Client().get("/api/schema/").json()


@pytest.fixture
def keys(redis_client, ticker_cache: TickerCache, settings) -> PriceKeys:
    return PriceKeys(redis_client)


def assert_described(description: dict, path: str, expected_status: int, **headers: str) -> None:
    """Ask and compare: the status is described, the headers are, and the body has the described shape."""
    response = Client().get(PREFIX + path, headers=headers)
    assert response.status_code == expected_status
    described = description["paths"][PREFIX + path.partition("?")[0]]["get"]["responses"][str(expected_status)]
    names = {name.lower() for name in described["headers"]}
    given = {name.lower() for name in response.headers} - UNDESCRIBED_HEADERS
    assert given == names
    if expected_status == 304:
        assert "content" not in described
        return
    jsonschema.validate(response.json(), described["content"]["application/json"]["schema"])


def test_complete_answers_are_as_described(description, keys):
    keys.write("BTC/USDT", "ETH/USDT")
    keys.report(PAIRS)

    assert_described(description, "prices?pairs=BTC/USDT,ETH/USDT", 200)
    assert_described(description, "prices?pairs=BTC/USDT,XYZ/USDT", 206)
    for name in ("init", "health", "pairs"):
        assert_described(description, name, 200)


def test_the_last_hour_is_as_described(description, redis_client, keys):
    redis_client.rpush(
        "market_data_history:BTC/USDT", "[1700000000000,43250.10000000]", '[1700000016000,43251,"kraken"]'
    )

    assert_described(description, "history?pairs=BTC/USDT,ETH/USDT&points=60", 200)
    assert_described(description, "history?points=0", 400)
    etag = Client().get(f"{PREFIX}history").headers["ETag"]
    assert_described(description, "history", 304, if_none_match=etag)


def test_a_price_past_its_life_is_as_described(description, keys):
    keys.write("BTC/USDT", age_ms=20_000, is_current=False)

    assert_described(description, "prices?pairs=BTC/USDT&maxStaleMs=60000", 200)


def test_unchanged_prices_are_as_described(description, keys):
    keys.write("BTC/USDT")
    etag = Client().get(f"{PREFIX}prices?pairs=BTC/USDT").headers["ETag"]

    assert_described(description, "prices?pairs=BTC/USDT", 304, if_none_match=etag)


def test_refusals_and_missing_prices_are_as_described(description, keys):
    assert_described(description, "prices?pairs=BTCUSDT", 400)
    assert_described(description, "prices?pairs=BTC/USDT", 503)
    for name in ("init", "health", "pairs"):
        assert_described(description, name, 200)


def test_a_cache_that_cannot_be_reached_is_as_described(description, redis_client, django_cache_at):
    django_cache_at("redis://127.0.0.1:1/0")
    for name in ("prices", "history", "init", "health", "pairs"):
        described = description["paths"][PREFIX + name]["get"]["responses"]["503"]
        response = Client().get(PREFIX + name)
        assert response.status_code == 503
        jsonschema.validate(response.json(), described["content"]["application/json"]["schema"])
        required = {name.lower() for name, header in described["headers"].items() if header.get("required")}
        assert {name.lower() for name in response.headers} - UNDESCRIBED_HEADERS == required


def test_every_endpoint_is_described_and_nothing_else(description):
    from market_data.api.urls import urlpatterns

    named = {PREFIX + pattern.name for pattern in urlpatterns if pattern.name}
    assert set(description["paths"]) == named


def test_whatever_the_description_allows_is_answered_as_it_says(
    redis_server: EmbeddedCache, redis_client, tmp_path: Path
):
    keys = PriceKeys(redis_client)
    keys.write(*PAIRS[:3])
    keys.report(PAIRS)
    site = WebSite(redis_server.url).start()
    try:
        finished = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                "--config-file", REPOSITORY / "tests" / "schemathesis.toml", "run",
                f"{site.url}/api/schema/", "--max-examples", "40",
                "--generation-deterministic", "--no-color",
            ],
            cwd=tmp_path,  # where it leaves what it remembers of crashes
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip
    finally:
        site.stop()

    assert finished.returncode == 0, finished.stdout[-4000:]
    assert "5 selected / 5 total" in finished.stdout


def test_the_documentation_names_every_parameter_status_and_field():
    page = Client().get("/api/docs/").content.decode()

    for text in (
        "maxStaleMs",
        "If-None-Match",
        "206",
        "304",
        "fetcher.stats.lastError",
        "pairs[].quoteAsset",
        "{pair}.exchange",
        "aggregator.exchanges.{exchange}.circuitBreaker.state",
    ):
        assert text in page
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page

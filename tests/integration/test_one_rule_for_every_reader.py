"""A record of every age in Redis, whatever its time to live there: all ways to read it say the same of it."""

import json
import re
from dataclasses import dataclass

import pytest
import redis
from django.conf import LazySettings
from django.template import Context, Template
from django.test import Client

from market_data.inspection.reading import read_inspection
from market_data.prices import get_prices
from tests.metrics_text import samples_of
from tests.web_site import PriceKeys, now_ms, record

PAIR = "BTC/USDT"
# Twenty times the usual lives, so that no age crosses a limit while a busy machine asks one reader after the other.
SCALE = 20
SECOND_MS = 1000 * SCALE
STALE_TTL_MS, CACHE_TTL_MS = 5 * SECOND_MS, 15 * SECOND_MS
DAY_MS = 86_400_000
STATES = {
    0: "fresh",
    4 * SECOND_MS: "fresh",
    6 * SECOND_MS: "stale",
    15 * SECOND_MS + 400 * SCALE: "expired",
    17 * SECOND_MS: "expired",
    60 * SECOND_MS: "expired",
    3600 * SECOND_MS: "expired",
    -500: "fresh",
    -60 * SECOND_MS: "missing",
}
"""What stands for the pair by the age of its record in ms; a negative age is a time in the future."""


@dataclass(frozen=True)
class Told:
    """What a reader was told of the pair: its state, and its age, where this reader tells one."""

    state: str
    age_ms: int | None = None


@pytest.fixture
def keys(redis_client: redis.Redis, ticker_cache: object, settings: LazySettings) -> PriceKeys:
    settings.TRADING_PAIRS = [PAIR, "GHOST/USDT"]
    settings.MARKET_DATA_CACHE_STALE_TTL_MS, settings.MARKET_DATA_CACHE_TTL_MS = STALE_TTL_MS, CACHE_TTL_MS
    settings.MARKET_DATA_CLIENT_STALE_THRESHOLD_MS = 2 * CACHE_TTL_MS
    settings.MARKET_DATA_SNAPSHOT_MS = 0
    return PriceKeys(redis_client)


def by_api(client: Client, max_stale_ms: int) -> Told:
    response = client.get(f"/api/market-data/prices?pairs={PAIR}&maxStaleMs={max_stale_ms}")
    may_be_kept = "s-maxage" in response["Cache-Control"]
    if response.status_code == 503:
        assert not may_be_kept
        return Told("none")
    told = response.json()[PAIR]
    age_ms = int(response["X-Market-Data-Time"]) - told["timestamp"]
    return Told("old" if told.get("stale") else "current", age_ms)


def by_python(max_stale_ms: int) -> Told:
    price = get_prices([PAIR], max_stale_ms).get(PAIR)
    return Told("none") if price is None else Told("old" if price.is_stale else "current", price.age_ms)


def by_html(html: str) -> Told:
    """Return what a card says, which has the state of the list around it to agree with."""
    state = re.search(rf'data-pair="{PAIR}"[^>]*data-state="(\w+)"', html)
    of_list = re.search(r'data-status="(\w+)"', html)
    assert state
    assert of_list
    assert (of_list[1] == "polling") is (state[1] == "live")
    config = json.loads(re.search(r"<script[^>]*application/json[^>]*>(.*?)</script>", html, re.DOTALL)[1])
    told = json.loads(config["records"]).get(PAIR)
    assert (PAIR in config["missing"]) is (state[1] != "live")
    assert told is None or ("stale" in told) is (state[1] == "stale")
    age_ms = None if told is None else config["serverTimeMs"] - told["timestamp"]
    return Told({"live": "current", "stale": "old", "missing": "none"}[state[1]], age_ms)


def by_status() -> tuple[str, int | None]:
    """Return what `market_status` and the admin's page say."""
    row = next(row for row in read_inspection().pairs if row.pair == PAIR)
    return str(row.state), row.age_ms


@pytest.mark.parametrize("life_ms", [None, DAY_MS], ids=["without a time to live", "with one"])
@pytest.mark.parametrize("age_ms", STATES, ids=lambda age_ms: f"{age_ms / SECOND_MS:g} s")
def test_api_python_page_tag_embed_health_metrics_and_status_say_the_same_of_a_record(
    keys: PriceKeys, client: Client, redis_client: redis.Redis, age_ms: int, life_ms: int | None
) -> None:
    redis_client.set(f"market_data:{PAIR}", record(PAIR, age_ms=age_ms).encode(), px=life_ms)
    written_ms = now_ms()
    state = STATES[age_ms]
    now = "current" if state in ("fresh", "stale") else "none"
    with_old_ones = "old" if state == "expired" else now

    pages = [
        client.get("/").content.decode(),
        client.get(f"/market-data/embed?pairs={PAIR}").content.decode(),
        Template("{% load market_data %}{% market_prices pairs='BTC/USDT' %}").render(Context()),
    ]
    told = [by_api(client, 0), by_python(0)]
    told_of_old_ones = [by_api(client, DAY_MS), by_python(DAY_MS), *map(by_html, pages)]
    health = client.get("/api/market-data/health").json()["pairs"]
    figures = samples_of(client.get("/metrics").content.decode())
    of_status, age_of_status_ms = by_status()

    assert {one.state for one in told} == {now}
    assert {one.state for one in told_of_old_ones} == {with_old_ones}
    counted = state if state in ("fresh", "stale") else "missing"
    expected = {name: int(name == counted) + int(name == "missing") for name in ("fresh", "stale", "missing")}
    assert {name: health[name] for name in expected} == expected
    assert {name: figures["nexusmeme_pairs", (("state", name),)] for name in expected} == expected
    assert ("nexusmeme_price_oldest_age_seconds", ()) in figures or now == "none"
    assert of_status == state
    ages = [age_of_status_ms, *(one.age_ms for one in (*told, *told_of_old_ones))]
    oldest_ms = age_ms + now_ms() - written_ms + 1_000
    assert all(age_ms - 1 <= age <= oldest_ms for age in ages if age is not None)


@pytest.mark.parametrize("age_ms", [7 * SECOND_MS, 17 * SECOND_MS], ids=["within its life", "past its life"])
def test_a_last_known_price_alone_is_current_for_nobody(keys: PriceKeys, client: Client, age_ms: int) -> None:
    keys.write(PAIR, age_ms=age_ms, is_current=False)

    assert {by_api(client, 0).state, by_python(0).state} == {"none"}
    page = by_html(client.get("/").content.decode())
    assert {by_api(client, DAY_MS).state, by_python(DAY_MS).state, page.state} == {"old"}
    assert by_status()[0] == "expired"


@pytest.mark.parametrize(
    "shown",
    [
        lambda client: Template("{% load market_data %}{% market_prices pairs='GHOST/USDT' %}").render(Context()),
        lambda client: client.get("/market-data/embed?pairs=GHOST/USDT").content.decode(),
    ],
    ids=["tag", "embed"],
)
def test_a_list_whose_pairs_have_no_price_is_not_live_though_other_pairs_have_one(
    keys: PriceKeys, client: Client, shown
) -> None:
    keys.write(PAIR)

    html = shown(client)
    assert 'data-status="unavailable"' in html
    assert "Live" not in re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)


def test_a_web_server_that_may_not_ask_redis_for_its_time_serves_on_and_says_what_to_grant(
    keys: PriceKeys, client: Client, redis_client: redis.Redis, redis_server, django_cache_at
) -> None:
    keys.write(PAIR)
    rights = ("reset", "on", ">a-password", "~*", "-@all", "+mget", "+lrange", "+client", "+select")
    redis_client.execute_command("ACL", "SETUSER", "narrow", *rights)
    try:
        django_cache_at(redis_server.url.replace("redis://", "redis://narrow:a-password@"))
        prices, health = by_api(client, 0), client.get("/api/market-data/health").json()
    finally:
        redis_client.execute_command("ACL", "DELUSER", "narrow")

    assert prices.state == "current"
    assert any("grant its user +time" in reason for reason in health["reasons"])

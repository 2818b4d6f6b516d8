"""Snapshots in the real web process: how old an answer may be, and how often Redis is read for all readers."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from tests.process_facts import wait_until
from tests.web_site import PAIRS, PriceKeys, WebSite, now_ms, record

PRICES = "/api/market-data/prices"
MAX_AGE_MS = 250
READERS, ANSWERS_EACH = 8, 150


@pytest.fixture(scope="module")
def cache() -> Iterator[EmbeddedCache]:
    with EmbeddedCache() as server:
        yield server


@pytest.fixture(scope="module")
def site(cache: EmbeddedCache) -> Iterator[WebSite]:
    site = WebSite(cache.url).start()
    yield site
    site.stop()


@pytest.fixture
def client(cache: EmbeddedCache) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(cache.url) as client:
        client.flushall()
        yield client


def read(site: WebSite, count: int) -> list[tuple[int, int, int, int]]:
    """Return (asked at, server's time, timestamp of the price, status) of answers one after the other, Unix ms."""
    answers = []
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    for _ in range(count):
        asked_at_ms = now_ms()
        connection.request("GET", f"{PRICES}?pairs=BTC/USDT")
        response = connection.getresponse()
        body = json.loads(response.read())
        time_ms = int(response.headers["X-Market-Data-Time"])
        answers.append((asked_at_ms, time_ms, body.get("BTC/USDT", {}).get("timestamp", 0), response.status))
    connection.close()
    return answers


def test_no_answer_differs_from_what_redis_holds_by_more_than_a_quarter_of_a_second(
    site: WebSite, client: redis.Redis
) -> None:
    """A record that was replaced more than 250 ms before the answer, by the clock of both, must not be in it."""
    replaced_at: dict[int, int] = {}  # timestamp of a record -> when the one after it was surely in Redis
    is_over = threading.Event()

    def write() -> None:
        previous = 0
        while not is_over.is_set():
            current = record("BTC/USDT")
            if current.received_at_ms == previous:
                continue
            client.set("market_data:BTC/USDT", current.encode(), px=15_000)
            replaced_at[previous] = now_ms()
            previous = current.received_at_ms

    with ThreadPoolExecutor(READERS + 1) as pool:
        writer = pool.submit(write)
        wait_until(lambda: len(replaced_at) > 1, "the first prices")
        time_of_first = now_ms()
        wait_until(lambda: read(site, 1)[0][1] > time_of_first + 2 * MAX_AGE_MS, "the end of an empty snapshot")
        answers = [answer for part in pool.map(lambda _: read(site, ANSWERS_EACH), range(READERS)) for answer in part]
        is_over.set()
        writer.result()

    assert len(answers) == READERS * ANSWERS_EACH
    assert {status for *_, status in answers} == {200}
    for asked_at_ms, time_ms, timestamp, _ in answers:
        assert timestamp <= time_ms
        assert time_ms >= asked_at_ms
        # A read of Redis that takes longer than that was begun for this very request.
        assert replaced_at.get(timestamp, time_ms) >= min(time_ms - MAX_AGE_MS, asked_at_ms)


def test_redis_is_read_once_an_interval_however_many_ask(site: WebSite, client: redis.Redis) -> None:
    PriceKeys(client).write(*PAIRS)
    client.config_resetstat()
    began = time.monotonic()
    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(lambda _: read(site, ANSWERS_EACH), range(READERS)))
    passed_seconds = time.monotonic() - began

    reads = client.info("commandstats")["cmdstat_mget"]["calls"]
    assert 1 <= reads <= passed_seconds * 1000 / MAX_AGE_MS + 1


def test_a_price_that_expires_is_not_served_a_moment_longer_than_its_life(site: WebSite, client: redis.Redis) -> None:
    left_ms = 700
    seen: list[tuple[int, int, int, int]] = []

    def write() -> None:
        current = record("BTC/USDT", age_ms=15_000 - left_ms)
        client.set("market_data:BTC/USDT", current.encode(), px=left_ms)

    def is_gone() -> bool:
        seen.extend(read(site, 1))
        is_over, has_been = seen[-1][3] == 503, any(status == 200 for *_, status in seen)
        if is_over and not has_been:
            write()
        return is_over and has_been

    wait_until(is_gone, "the end of the price")
    assert max(time_ms - timestamp for _, time_ms, timestamp, status in seen if status == 200) <= 15_000

"""Redis with replicas and sentinels: when the primary is killed, both sides follow to the new one by themselves."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from tests.drills.conftest import Hall, Reply
from tests.drills.recovery_times import RecoveryTimes
from tests.drills.reigns import overlaps
from tests.embedded_sentinel import EmbeddedSentinel
from tests.process_facts import wait_until

SERVICE = "Prices"
SENTINELS = 3
FOLLOW_SECONDS = 10.0
"""Half a second until the sentinels miss the primary, about two until they have replaced it, and a cycle."""


@pytest.fixture
def sentinels(hall: Hall) -> Iterator[list[EmbeddedSentinel]]:
    """Sentinels that watch the hall's cache and a replica, and know of each other."""
    replication = {"replicaof": f"127.0.0.1 {hall.cache.port}", "repl-diskless-sync-delay": "0"}
    with ExitStack() as running:
        running.enter_context(EmbeddedCache(options=replication))
        watching = [
            running.enter_context(EmbeddedSentinel(hall.cache.port, service=SERVICE, quorum=2, down_after_ms=500))
            for _ in range(SENTINELS)
        ]
        wait_until(lambda: all(map(knows_the_others, watching)), "the sentinels' acquaintance")
        yield watching


def state(sentinel: EmbeddedSentinel) -> dict[str, object]:
    with redis.Redis(port=sentinel.port) as client:
        return client.sentinel_master(SERVICE)


def knows_the_others(sentinel: EmbeddedSentinel) -> bool:
    known = state(sentinel)
    return (known["num-other-sentinels"], known["num-slaves"]) == (SENTINELS - 1, 1)


class Load:
    """Readers who ask without a pause."""

    def __init__(self, hall: Hall, readers: int = 4) -> None:
        self.replies: list[Reply] = []
        self._hall = hall
        self._is_over = threading.Event()
        self._readers = [threading.Thread(target=self._read) for _ in range(readers)]

    def __enter__(self) -> "Load":
        for reader in self._readers:
            reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for reader in self._readers:
            reader.join()

    def _read(self) -> None:
        while not self._is_over.wait(0.01):
            self.replies.append(self._hall.get("prices"))


def test_the_primary_s_death_under_load_is_over_within_seconds_and_nobody_is_restarted(
    hall: Hall, recovery: RecoveryTimes, sentinels: list[EmbeddedSentinel]
) -> None:
    url = f"redis+sentinel://{','.join(f'127.0.0.1:{sentinel.port}' for sentinel in sentinels)}/{SERVICE}/0"
    hall.exchange.faults.add("latency", seconds=0.5, path="ticker/24hr")
    site = hall.start_web(REDIS_URL=url)
    first = hall.start_fetcher(REDIS_URL=url)
    hall.wait_for_prices()
    second = hall.start_fetcher(REDIS_URL=url, TRADING_PAIRS="ETH/USDT,BTC/USDT")
    wait_until(lambda: "standing by" in second.log, "the standby's word")

    with Load(hall) as load:
        wait_until(lambda: len(load.replies) > 50, "the load")
        killed_at_ms = time.time_ns() // 1_000_000
        hall.cache.process.kill()
        sentinels[0].process.kill()
        with recovery.measured("the primary and a sentinel are killed: until a new price"):
            wait_until(lambda: is_served_after(load, killed_at_ms), "a new price", FOLLOW_SECONDS)
        read_until_then = len(load.replies)
        wait_until(lambda: len(load.replies) > read_until_then + 50, "more readers")

    assert {reply.status for reply in load.replies} <= {200, 503}
    assert {reply.status for reply in load.replies[-50:]} == {200}
    assert max(reply.seconds for reply in load.replies) < 3.0
    assert [process.process.poll() for process in (first, second)] == [None, None]
    assert hall.sites[-1] is site
    assert sum("active: " in fetcher.log for fetcher in (first, second)) >= 1
    assert overlaps(hall.exchange.requests) == []
    assert first.log.count("the cache cannot be used: ") <= 3
    assert "Traceback" not in first.log + second.log


def is_served_after(load: Load, instant_ms: int) -> bool:
    last = load.replies[-1]
    return last.status == 200 and min(record["timestamp"] for record in last.content.values()) > instant_ms

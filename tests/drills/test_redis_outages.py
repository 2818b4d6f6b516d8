"""Redis is away, silent, slow, full or refuses: the fetcher goes on, readers hear why in bounded time."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.drills.conftest import TICKERS, Hall, Reply, open_hall
from tests.drills.recovery_times import RecoveryTimes
from tests.drills.tcp_proxy import TcpProxy
from tests.process_facts import wait_until

CYCLE_SECONDS = 2.0
RECOVERY_SECONDS = 2 * CYCLE_SECONDS
"""One cycle, and as much again for a machine that does other things too."""
READER_SECONDS = 2.0
UNREACHABLE = "The cache cannot be reached: "


@dataclass
class Line:
    """A hall whose processes reach their Redis through a line that a test may cut."""

    hall: Hall
    proxy: TcpProxy

    def answers(self, is_there: bool) -> None:
        if is_there:
            self.hall.cache.start()
        else:
            self.hall.cache.stop()

    def config(self, name: str, value: str) -> None:
        self.hall.client.config_set(name, value)

    def set_password(self, password: str) -> None:
        self.config("requirepass", password)
        self.hall.client.client_kill_filter(_type="normal", skipme=True)

    def is_primary(self, is_primary: bool) -> None:
        self.hall.client.execute_command("REPLICAOF", *(["NO", "ONE"] if is_primary else ["127.0.0.1", "1"]))


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """Fetcher and web server at work, for every test of this module."""
    with open_hall(tmp_path_factory.mktemp("hall")) as hall, TcpProxy(hall.cache.port) as proxy:
        url = f"redis://127.0.0.1:{proxy.port}/0"
        hall.start_web(REDIS_URL=url)
        hall.start_fetcher(REDIS_URL=url)
        hall.wait_for_prices()
        yield Line(hall, proxy)


def newest(hall: Hall) -> int:
    """Return the instant of the newest price that a plain reader gets, Unix ms; 0 where there is none."""
    reply = hall.get("prices")
    return max(record["timestamp"] for record in reply.content.values()) if reply.status == 200 else 0


def wait_for_price_after(hall: Hall, instant_ms: int) -> None:
    wait_until(lambda: newest(hall) > instant_ms, "a new price", RECOVERY_SECONDS)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def read_at_once(hall: Hall, path: str, readers: int) -> list[Reply]:
    with ThreadPoolExecutor(readers) as pool:
        return list(pool.map(lambda _: hall.get(path), range(readers)))


def first_refusal(hall: Hall) -> list[Reply]:
    """Return the first answer that does not come from the snapshot of a moment ago."""
    replies: list[Reply] = []

    def is_refused() -> bool:
        replies.append(hall.get("prices"))
        return replies[-1].status == 503

    wait_until(is_refused, "the end of the last snapshot", 5)
    return replies[-1:]


Action = Callable[[Line], object]

AWAY: dict[str, tuple[Action, Action, str]] = {
    "it dies and returns empty": (
        lambda line: line.answers(False),
        lambda line: line.answers(True),
        "no connection to Redis",
    ),
    "it wants another password": (
        lambda line: line.set_password("another"),
        lambda line: line.set_password(""),
        "Redis refused the user name or password",
    ),
    "the line is silent": (
        lambda line: setattr(line.proxy, "is_silent", True),
        lambda line: setattr(line.proxy, "is_silent", False),
        "Redis did not answer in time",
    ),
    "every answer takes seconds": (
        lambda line: setattr(line.proxy, "delay_seconds", 3.0),
        lambda line: setattr(line.proxy, "delay_seconds", 0.0),
        "Redis did not answer in time",
    ),
    "its clients are paused": (
        lambda line: line.hall.client.execute_command("CLIENT", "PAUSE", "5000", "ALL"),
        lambda line: wait_until(lambda: newest(line.hall) > 0, "the end of the pause", 8),
        "Redis did not answer in time",
    ),
}


@pytest.mark.parametrize("fault", AWAY)
def test_while_redis_cannot_be_read_everybody_hears_why_in_bounded_time_and_prices_are_back_within_a_cycle(
    line: Line, recovery: RecoveryTimes, fault: str
) -> None:
    begin, end, words = AWAY[fault]
    hall, fetcher = line.hall, line.hall.fetchers[0]
    said_before, over_before = fetcher.log.count(words), fetcher.log.count("over after")

    begin(line)
    replies = [*first_refusal(hall), *read_at_once(hall, "prices", readers=40)]
    health, init, page = hall.get("health"), hall.get("init"), hall.get("/")
    wait_until(lambda: fetcher.log.count(words) > said_before, "the fetcher's word", 6)
    end(line)
    with recovery.measured(f"Redis, {fault}: until a new price"):
        wait_for_price_after(hall, now_ms())

    assert {reply.status for reply in replies} == {503}
    assert {reply.content["message"] for reply in replies} == {f"{UNREACHABLE}{words}."}
    assert max(reply.seconds for reply in [*replies, health, init, page]) < READER_SECONDS
    assert (health.status, health.content["status"]) == (503, "unhealthy")
    assert health.content["reasons"] == [f"{UNREACHABLE}{words}."]
    assert health.content["cache"] == {"isReachable": False, "error": words}
    assert (init.status, page.status) == (503, 200)
    wait_until(lambda: hall.get("health").content["status"] != "unhealthy", "health's recovery", RECOVERY_SECONDS)
    assert fetcher.log.count(words) == said_before + 1
    wait_until(lambda: fetcher.log.count("over after") == over_before + 1, "the fetcher's second word")
    assert fetcher.process.poll() is None
    assert "Traceback" not in fetcher.log


READ_ONLY: dict[str, tuple[Action, Action, str]] = {
    "it is out of memory": (
        lambda line: line.config("maxmemory", "1"),
        lambda line: line.config("maxmemory", "0"),
        "Redis is out of memory",
    ),
    "it has become a replica": (
        lambda line: line.is_primary(False),
        lambda line: line.is_primary(True),
        "this Redis is a read-only replica",
    ),
}


@pytest.mark.parametrize("fault", READ_ONLY)
def test_while_redis_takes_no_writes_readers_get_what_it_has_and_the_fetcher_says_so_once(
    line: Line, recovery: RecoveryTimes, fault: str
) -> None:
    begin, end, words = READ_ONLY[fault]
    hall, fetcher = line.hall, line.hall.fetchers[0]
    said_before = fetcher.log.count(words)
    last = newest(hall)

    begin(line)
    wait_until(lambda: fetcher.log.count(words) > said_before, "the fetcher's word", 6)
    replies = read_at_once(hall, "prices", readers=10)
    health = hall.get("health")
    wait_until(lambda: min(hall.ages_ms().values()) > 2.5 * CYCLE_SECONDS * 1000, "cycles without a price", 10)
    end(line)
    with recovery.measured(f"Redis, {fault}: until a new price"):
        wait_for_price_after(hall, now_ms())

    assert {reply.status for reply in replies} == {200}
    assert max(record["timestamp"] for reply in replies for record in reply.content.values()) <= last + 2100
    assert health.status == 200
    assert fetcher.log.count(words) == said_before + 1
    assert fetcher.process.poll() is None
    assert "Traceback" not in fetcher.log


def test_a_redis_that_is_slow_but_answers_is_no_outage(line: Line) -> None:
    line.proxy.delay_seconds = 0.2
    try:
        began_at = now_ms()
        wait_for_price_after(line.hall, began_at)
        replies = read_at_once(line.hall, "prices", readers=10)
    finally:
        line.proxy.delay_seconds = 0.0

    assert {reply.status for reply in replies} == {200}


def test_both_sides_start_without_redis_and_serve_once_it_is_there(hall: Hall, recovery: RecoveryTimes) -> None:
    hall.cache.stop()
    hall.start_web()
    fetcher = hall.start_fetcher()
    wait_until(lambda: "no connection to Redis" in fetcher.log, "the fetcher's word")
    prices, health = hall.get("prices"), hall.get("health")
    asked_meanwhile = hall.exchange.requests.count(TICKERS)

    hall.cache.start()
    with recovery.measured("Redis, away at the start: until the first price"):
        wait_until(lambda: newest(hall) > 0, "the first price", RECOVERY_SECONDS)

    assert (prices.status, prices.content["message"]) == (503, f"{UNREACHABLE}no connection to Redis.")
    assert health.status == 503
    assert max(prices.seconds, health.seconds) < READER_SECONDS
    assert asked_meanwhile == 0
    assert fetcher.log.count("no connection to Redis") == 1
    assert "Traceback" not in fetcher.log

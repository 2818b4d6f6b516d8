"""What the exchange asks for is obeyed: 429, 418, and the weight that others behind the same address use."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import pytest
import redis

from exchange_simulator.server import RunningSimulator
from tests.drills.conftest import TICKERS, Hall
from tests.drills.recovery_times import RecoveryTimes
from tests.fetcher_process import FetcherProcess
from tests.process_facts import wait_until

STATUS = "market_data_fetcher:status"
FLOOR_SECONDS = (7.0, 10.5)  # ten, shortened by jitter
CAP_SECONDS = (590.0, 601.0)
BAN_SECONDS = 45
RETRY_AFTER: dict[str, tuple[Callable[[], str | None], tuple[float, float]]] = {
    "5": (lambda: "5", (4.0, 5.1)),
    "0": (lambda: "0", FLOOR_SECONDS),
    "absent": (lambda: None, FLOOR_SECONDS),
    "-3": (lambda: "-3", FLOOR_SECONDS),
    "abc": (lambda: "abc", FLOOR_SECONDS),
    "1e9": (lambda: "1e9", FLOOR_SECONDS),
    "1000000000": (lambda: "1000000000", CAP_SECONDS),
    # Counted down from before the fetchers start, which takes a busy machine a while.
    "a date": (lambda: formatdate(time.time() + 300, usegmt=True), (200.0, 301.0)),
}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def report(client: redis.Redis) -> dict[str, Any]:
    return json.loads(client.get(STATUS) or b"{}")


@dataclass
class Refused:
    """A fetcher whose first request for tickers met a 429."""

    fetcher: FetcherProcess
    exchange: RunningSimulator
    client: redis.Redis

    def asked_at(self) -> list[float]:
        return [request.received_monotonic for request in self.exchange.requests.last(path_ending=TICKERS)]

    @property
    def wait_seconds(self) -> float:
        """Return the wait that the last report tells, from that report on; zero where there is none."""
        status = report(self.client)
        retry_at = status.get("rateLimit", {}).get("retryAt")
        return (retry_at - status["heartbeatAt"]) / 1000 if retry_at else 0.0


def test_every_form_of_retry_after_is_kept_to_and_what_makes_no_sense_gets_a_wait_of_our_own(hall: Hall) -> None:
    with RunningFleet(hall) as fleet:
        for form, (_, (least, most)) in RETRY_AFTER.items():
            wait_until(lambda form=form: fleet[form].wait_seconds > 0, f"the wait for Retry-After {form}")
            assert least <= fleet[form].wait_seconds <= most, form
            assert "answered 429" in report(fleet[form].client)["stats"]["lastError"]
        short = [form for form, (_, (_, most)) in RETRY_AFTER.items() if most < 11]
        for form in short:
            wait_until(lambda form=form: len(fleet[form].asked_at()) > 1, f"the end of the wait for {form}", 25)
            first, second = fleet[form].asked_at()[:2]
            assert second - first >= RETRY_AFTER[form][1][0], form
            wait_until(lambda form=form: fleet[form].client.exists("market_data:BTC/USDT") == 1, f"prices, {form}")
        for form in RETRY_AFTER.keys() - set(short):
            assert report(fleet[form].client)["stats"]["fetchAttempts"] >= 1
            assert len(fleet[form].asked_at()) == 1, f"no request before the end of Retry-After {form}"


class RunningFleet:
    """One fetcher for each form of Retry-After, each with an exchange and a database of its own."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._members: dict[str, Refused] = {}

    def __getitem__(self, form: str) -> Refused:
        return self._members[form]

    def __enter__(self) -> "RunningFleet":
        for number, (form, (text, _)) in enumerate(RETRY_AFTER.items(), start=1):
            exchange = RunningSimulator(symbols=20)
            exchange.start()
            exchange.faults.add("rate_limited", retry_after=text(), path=TICKERS, requests=1)
            url = self._hall.cache.url.rpartition("/")[0] + f"/{number}"
            fetcher = self._hall.start_fetcher(BINANCE_API_BASE_URL=exchange.base_url, REDIS_URL=url)
            self._members[form] = Refused(fetcher, exchange, redis.Redis.from_url(url))
        return self

    def __exit__(self, *_: object) -> None:
        for member in self._members.values():
            member.fetcher.end()
            member.exchange.stop()
            member.client.close()


def test_during_a_wait_prices_age_truthfully_and_come_back_by_themselves(hall: Hall) -> None:
    hall.start()
    hall.exchange.faults.add("rate_limited", retry_after="7", path=TICKERS, requests=1)
    wait_until(lambda: set(hall.outcomes().values()) == {"rate_limited"}, "the 429", 10)

    reply = hall.get("prices")
    timestamp = reply.content["BTC/USDT"]["timestamp"]
    health = hall.get("health").content
    assert health["aggregator"]["rateLimit"]["retryAt"] > int(reply.headers["X-Market-Data-Time"])
    assert health["status"] == "degraded"
    wait_until(lambda: hall.ages_ms()["BTC/USDT"] > 6_000, "the age of a price that is not renewed", 10)
    assert hall.get("prices").content["BTC/USDT"]["timestamp"] == timestamp
    wait_until(lambda: hall.ages_ms().get("BTC/USDT", 9_999) < 1_000, "a fresh price", 10)


@pytest.fixture
def second_host() -> Iterator[RunningSimulator]:
    with RunningSimulator(symbols=200, seed=5) as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("banned", {"seconds": 3_600, "retry_after": None}),
        ("status", {"status": 418, "body": "empty", "retry_after": "3600"}),
    ],
    ids=["end in the text", "end in the header"],
)
def test_a_ban_is_kept_to_by_every_fetcher_and_towards_every_host(
    hall: Hall, second_host: RunningSimulator, kind: str, values: dict[str, Any]
) -> None:
    hall.variables["BINANCE_API_FALLBACK_URLS"] = json.dumps([second_host.base_url])
    active = hall.start()
    standby = hall.start_fetcher()
    wait_until(lambda: "standing by" in standby.log, "the standby")
    hall.exchange.faults.add(kind, path=TICKERS, **values)
    wait_until(lambda: set(hall.outcomes().values()) == {"banned"}, "the ban", 10)
    asked = hall.exchange.requests.total

    health = hall.get("health")
    banned_until = health.content["aggregator"]["exchange"]["bannedUntil"]
    assert 3_590_000 < banned_until - int(health.headers["X-Market-Data-Time"]) < 3_602_000
    until = f"{datetime.fromtimestamp(banned_until / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    assert any(until in reason for reason in health.content["reasons"])

    def cycles_of(fetcher: FetcherProcess) -> int:
        return report(hall.client)["stats"]["fetchAttempts"] if fetcher.holds_lease(hall.client) else 0

    active.send(signal.SIGKILL)
    wait_until(lambda: cycles_of(standby) >= 1, "a cycle of the standby", 25)
    standby.send(signal.SIGTERM)
    assert standby.wait() == 0
    third = hall.start_fetcher()
    wait_until(lambda: cycles_of(third) >= 1, "a cycle after a restart", 25)
    wait_until(lambda: report(hall.client)["startedAt"] > banned_until - 3_600_000, "the report of the third")

    assert set(hall.outcomes().values()) == {"banned"}
    assert hall.get("health").content["aggregator"]["exchange"]["bannedUntil"] == pytest.approx(banned_until, abs=100)
    assert hall.exchange.requests.total == asked
    assert second_host.requests.total == 0


def test_a_ban_is_kept_to_its_end_also_where_redis_forgets_it_and_the_one_who_met_it_dies(
    hall: Hall, recovery: RecoveryTimes, second_host: RunningSimulator
) -> None:
    hall.variables["BINANCE_API_FALLBACK_URLS"] = json.dumps([second_host.base_url])
    hall.variables["MARKET_DATA_CACHE_TTL_MS"] = "8000"  # a lease of three seconds
    active = hall.start()
    standby = hall.start_fetcher()
    wait_until(lambda: "standing by" in standby.log, "the standby")
    hall.exchange.faults.add("banned", seconds=BAN_SECONDS, retry_after=None, path=TICKERS, requests=1)
    wait_until(lambda: set(hall.outcomes().values()) == {"banned"}, "the ban", 10)
    (refused,) = [request for request in hall.exchange.requests.last(path_ending=TICKERS) if request.status == 418]
    assert refused.finished_monotonic is not None
    ban_ends = refused.finished_monotonic + BAN_SECONDS
    asked = hall.exchange.requests.total
    polls = reads_of(hall.client)
    wait_until(lambda: reads_of(hall.client) >= polls + 2, "the standby's look at the report", 10)

    active.send(signal.SIGKILL)
    hall.cache.stop()
    hall.cache.start()
    wait_until(lambda: standby.holds_lease(hall.client) and hall.client.exists(STATUS) == 1, "the take-over", 25)
    wait_until(lambda: hall.get("health").status == 200, "the web server's way back to the cache", 10)
    exchange = hall.get("health").content["aggregator"]["exchange"]
    assert set(hall.outcomes().values()) == {"banned"}
    assert exchange["bannedUntil"] - now_ms() == pytest.approx((ban_ends - time.monotonic()) * 1000, abs=1_000)

    wait_until(lambda: time.monotonic() >= ban_ends, "the end of the ban", BAN_SECONDS)
    with recovery.measured("a ban ends that Redis forgot and whose first witness was killed: until prices are served"):
        hall.wait_for_prices()
    later = hall.exchange.requests.last()[asked:] + second_host.requests.last()
    assert later != []
    assert min(request.received_monotonic for request in later) >= ban_ends - 0.1, "no request to any host before"
    assert standby.log.count("change=ban") == 2, "one line when it is known and one when it is over"


def reads_of(client: redis.Redis) -> int:
    """Return how often the cache was read: with no reader about, by a standby that looks for the lease."""
    calls: int = client.info("commandstats")["cmdstat_mget"]["calls"]
    return calls


def test_the_fetcher_slows_down_before_the_limit_and_stops_short_of_it(hall: Hall) -> None:
    hall.start()
    hall.exchange.faults.add("used_weight", weight=5_500)

    def intervals() -> int:
        return hall.get("health").content["aggregator"]["rateLimit"]["intervalsPerCycle"]

    wait_until(lambda: intervals() == 3, "cycles that are rarer", 10)
    slow_from = hall.exchange.requests.count(TICKERS)
    wait_until(lambda: hall.exchange.requests.count(TICKERS) >= slow_from + 2, "two slow cycles", 20)
    latest = [request.received_monotonic for request in hall.exchange.requests.last(2, TICKERS)]
    assert all(later - earlier > 5.5 for earlier, later in pairwise(latest))
    assert hall.get("prices").status == 200

    hall.exchange.faults.replace({"kind": "used_weight", "weight": 5_800})

    def retry_at() -> int | None:
        return hall.get("health").content["aggregator"]["rateLimit"]["retryAt"]

    wait_until(lambda: retry_at() is not None, "the stop", 20)
    free_at, asked = retry_at(), hall.exchange.requests.total
    wait_until(lambda: max(hall.ages_ms().values()) > 6_000 or now_ms() > free_at, "three intervals")
    later = hall.exchange.requests.last()[asked:]
    assert all(request.received_at_ms >= free_at - 50 for request in later), "no request before the next minute"
    assert {request.status for request in hall.exchange.requests.last()} == {200}, "no 429 was ever caused"

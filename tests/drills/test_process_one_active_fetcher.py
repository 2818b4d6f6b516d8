"""Several fetchers, one active: whatever happens to them and to Redis, by the exchange's own record of who asked."""

import signal
import time
from collections.abc import Callable
from itertools import permutations

from tests.drills.conftest import TICKERS, Hall
from tests.drills.recovery_times import RecoveryTimes
from tests.drills.redis_monitor import RedisMonitor
from tests.drills.reigns import overlaps, owner, owners_in_turn, ticker_requests
from tests.fetcher_process import LEASE_KEY, FetcherProcess
from tests.process_facts import wait_until

AWAY = "the cache cannot be used: "
SHORT_LIFE = {"MARKET_DATA_CACHE_TTL_MS": "8000"}
"""A lease of three seconds."""
PAIRS = ("BTC/USDT", "ETH/USDT", "ADA/USDT", "SOL/USDT")
ORDERS = tuple(",".join(order) for order in permutations(PAIRS))
"""Enough for each fetcher of a test to ask in an order of its own, by which the exchange's record tells them apart."""
REQUEST_SECONDS = 0.8
"""Long enough for two active fetchers to be seen at once, well inside of a cycle's deadline."""


def owner_of(order: str) -> tuple[str, ...]:
    return tuple(pair.replace("/", "") for pair in order.split(","))


def start_fetchers(hall: Hall, number: int) -> list[FetcherProcess]:
    """Start fetchers at once that ask for the same pairs, each in an order that nobody had before."""
    used = len(hall.fetchers)
    return [hall.start_fetcher(TRADING_PAIRS=order) for order in ORDERS[used : used + number]]


def active(hall: Hall, fetchers: list[FetcherProcess]) -> FetcherProcess | None:
    return next((fetcher for fetcher in fetchers if fetcher.holds_lease(hall.client)), None)


def wait_for_cycles(hall: Hall, number: int) -> None:
    before = hall.exchange.requests.count(TICKERS)
    wait_until(lambda: hall.exchange.requests.count(TICKERS) >= before + number, f"{number} cycles")


def restart_empty(hall: Hall) -> None:
    hall.cache.stop()
    hall.cache.start()


def kill(hall: Hall) -> None:
    """Kill the server, and start it again, empty, once a fetcher has noticed."""
    hall.cache.process.kill()
    said = sum(fetcher.log.count(AWAY) for fetcher in hall.fetchers)
    wait_until(lambda: sum(fetcher.log.count(AWAY) for fetcher in hall.fetchers) > said, "a fetcher's word", 10)
    restart_empty(hall)


def lose_the_lease(hall: Hall) -> None:
    """Forget the lease alone, as a replica does that became the primary without the last writes."""
    hall.client.delete(LEASE_KEY)


def pause(hall: Hall) -> None:
    hall.client.execute_command("CLIENT", "PAUSE", "1500", "ALL")


def pause_longer_than_a_lease(hall: Hall) -> None:
    hall.client.execute_command("CLIENT", "PAUSE", "5000", "ALL")


HICCUPS: tuple[Callable[[Hall], None], ...] = (pause, restart_empty, kill, lose_the_lease, pause_longer_than_a_lease)


def test_of_three_fetchers_started_at_once_one_is_active_round_for_round_through_hiccups_of_redis(hall: Hall) -> None:
    hall.variables |= SHORT_LIFE
    hall.exchange.faults.add("latency", seconds=REQUEST_SECONDS, path=TICKERS)
    for hiccup in HICCUPS:
        before = len(ticker_requests(hall.exchange.requests))
        fetchers = start_fetchers(hall, 3)
        wait_for_cycles(hall, 1)
        asked = len(ticker_requests(hall.exchange.requests))
        wait_until(lambda asked=asked: is_in_the_middle_of_a_cycle(hall, asked), "a cycle under way")
        hiccup(hall)
        wait_for_cycles(hall, 3)
        wait_until(lambda fetchers=fetchers: active(hall, fetchers) is not None, "an active fetcher")

        assert [fetcher.process.poll() for fetcher in fetchers] == [None] * 3
        assert all("Traceback" not in fetcher.log for fetcher in fetchers)
        for fetcher in fetchers:
            fetcher.end()
        wait_until(
            lambda: ticker_requests(hall.exchange.requests)[-1].finished_monotonic is not None, "the last answer"
        )
        reigns = owners_in_turn(ticker_requests(hall.exchange.requests)[before:])
        assert len(reigns) == len(set(reigns)), f"{hiccup.__name__}: nobody comes back while another one is active"
        if hiccup is not pause_longer_than_a_lease:
            assert len(reigns) == 1, f"{hiccup.__name__}: who was active notices first and goes on"

    assert overlaps(hall.exchange.requests) == []
    assert hall.exchange.requests.count("exchangeInfo") <= 2 * len(HICCUPS), "a standby asks nothing"


def is_in_the_middle_of_a_cycle(hall: Hall, asked_before: int) -> bool:
    asked = ticker_requests(hall.exchange.requests)
    return len(asked) > asked_before and asked[-1].finished_monotonic is None


def test_a_killed_fetcher_s_prices_are_still_there_when_the_standby_s_come(hall: Hall, recovery: RecoveryTimes) -> None:
    hall.variables |= {"TRADING_PAIRS": ORDERS[0], **SHORT_LIFE}
    hall.start_web()
    first, second = start_fetchers(hall, 2)
    wait_until(lambda: "standing by" in first.log + second.log, "the standby's word")
    hall.wait_for_prices()
    if active(hall, [first, second]) is second:
        first, second = second, first
    asked_by = owners_in_turn(ticker_requests(hall.exchange.requests))

    first.process.kill()
    killed_at = time.monotonic()
    statuses: list[int] = []

    def is_taken_over() -> bool:
        statuses.append(hall.get("prices").status)
        return (
            len(owners_in_turn(ticker_requests(hall.exchange.requests))) > len(asked_by)
            and min(hall.ages_ms().values()) < 1_000
        )

    wait_until(is_taken_over, "the take-over", 15)
    recovery.note("kill -9 of the active fetcher: until the standby's first price", time.monotonic() - killed_at)

    assert set(statuses) == {200}
    assert overlaps(hall.exchange.requests) == []
    assert second.holds_lease(hall.client)


def test_a_fetcher_that_was_stopped_in_the_middle_of_a_cycle_writes_nothing_when_it_wakes_up(
    hall: Hall, recovery: RecoveryTimes
) -> None:
    hall.variables |= {"TRADING_PAIRS": ORDERS[0], **SHORT_LIFE}
    hall.start_web()
    fetchers = start_fetchers(hall, 2)
    hall.wait_for_prices()
    sleeper = active(hall, fetchers)
    assert sleeper is not None
    standby = fetchers[1 - fetchers.index(sleeper)]
    wait_until(lambda: "standing by" in standby.log, "the standby's word")
    with hall.exchange.faults.active("latency", seconds=0.5, path=TICKERS):
        asked = len(ticker_requests(hall.exchange.requests))
        wait_until(lambda: is_in_the_middle_of_a_cycle(hall, asked), "a cycle under way")
        sleeper.send(signal.SIGSTOP)
    stopped_at = time.monotonic()
    statuses: list[int] = []

    def is_taken_over() -> bool:
        statuses.append(hall.get("prices").status)
        return standby.holds_lease(hall.client) and min(hall.ages_ms().values()) < 1_000

    wait_until(is_taken_over, "the take-over", 15)
    recovery.note("the active fetcher is stopped: until the standby's first price", time.monotonic() - stopped_at)
    wait_for_cycles(hall, 3)  # which takes far longer than the life of a lease
    reigns = owners_in_turn(ticker_requests(hall.exchange.requests))
    with RedisMonitor(hall.cache.port) as monitor:
        sleeper.send(signal.SIGCONT)
        with recovery.measured("and is woken: until it stands by"):
            wait_until(lambda: sleeper.log.count("standing by") == 1, "the woken one's stepping back", 10)
        wait_for_cycles(hall, 2)
        statuses.append(hall.get("prices").status)

    assert set(statuses) == {200}
    assert monitor.writes_with(f":{sleeper.process.pid}:") == []
    assert monitor.writes_with(f":{standby.process.pid}:") != []
    assert standby.holds_lease(hall.client)
    assert owners_in_turn(ticker_requests(hall.exchange.requests)) == reigns, "the woken one asks nothing"
    assert owner(ticker_requests(hall.exchange.requests)[-1]) == owner_of(ORDERS[fetchers.index(standby)])
    assert sleeper.process.poll() is None
    assert "Traceback" not in sleeper.log

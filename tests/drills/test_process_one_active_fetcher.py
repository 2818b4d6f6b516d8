"""Several fetchers, one active: whatever happens to them and to Redis, by the exchange's own record of who asked."""

import signal
from collections.abc import Callable

from tests.drills.conftest import TICKERS, Hall
from tests.drills.reigns import overlaps, owner, owners_in_turn, ticker_requests
from tests.fetcher_process import LEASE_KEY, FetcherProcess
from tests.process_facts import wait_until

SHORT_LIFE = {"MARKET_DATA_CACHE_TTL_MS": "8000"}
"""A lease of three seconds."""
ORDERS = ("BTC/USDT,ETH/USDT,ADA/USDT", "ETH/USDT,ADA/USDT,BTC/USDT", "ADA/USDT,BTC/USDT,ETH/USDT")
REQUEST_SECONDS = 0.8
"""Long enough for two active fetchers to be seen at once, well inside of a cycle's deadline."""


def owner_of(order: str) -> tuple[str, ...]:
    return tuple(pair.replace("/", "") for pair in order.split(","))


def start_fetchers(hall: Hall, number: int) -> list[FetcherProcess]:
    """Start fetchers at once that ask for the same pairs, each in an order of its own."""
    return [hall.start_fetcher(TRADING_PAIRS=order) for order in ORDERS[:number]]


def active(hall: Hall, fetchers: list[FetcherProcess]) -> FetcherProcess | None:
    return next((fetcher for fetcher in fetchers if fetcher.holds_lease(hall.client)), None)


def wait_for_cycles(hall: Hall, number: int) -> None:
    before = hall.exchange.requests.count(TICKERS)
    wait_until(lambda: hall.exchange.requests.count(TICKERS) >= before + number, f"{number} cycles")


def restart_empty(hall: Hall) -> None:
    hall.cache.stop()
    hall.cache.start()


def lose_the_lease(hall: Hall) -> None:
    """Forget the lease alone, as a replica does that became the primary without the last writes."""
    hall.client.delete(LEASE_KEY)


def pause(hall: Hall) -> None:
    hall.client.execute_command("CLIENT", "PAUSE", "1500", "ALL")


HICCUPS: tuple[Callable[[Hall], None], ...] = (restart_empty, lose_the_lease, pause)


def test_of_three_fetchers_started_at_once_one_is_active_also_through_hiccups_of_redis(hall: Hall) -> None:
    hall.exchange.faults.add("latency", seconds=REQUEST_SECONDS, path=TICKERS)
    fetchers = start_fetchers(hall, 3)
    wait_for_cycles(hall, 1)
    assert hall.exchange.requests.count("exchangeInfo") == 1, "a standby asks nothing"

    for hiccup in HICCUPS:
        asked = len(ticker_requests(hall.exchange.requests))
        wait_until(lambda asked=asked: is_in_the_middle_of_a_cycle(hall, asked), "a cycle under way")
        hiccup(hall)
        wait_for_cycles(hall, 2)
    wait_until(lambda: active(hall, fetchers) is not None, "an active fetcher")

    assert overlaps(hall.exchange.requests) == []
    assert len(owners_in_turn(hall.exchange.requests)) == 1, "who was active notices first and goes on"
    assert [fetcher.process.poll() for fetcher in fetchers] == [None] * 3
    assert all("Traceback" not in fetcher.log for fetcher in fetchers)


def is_in_the_middle_of_a_cycle(hall: Hall, asked_before: int) -> bool:
    asked = ticker_requests(hall.exchange.requests)
    return len(asked) > asked_before and asked[-1].finished_monotonic is None


def test_a_killed_fetcher_s_prices_are_still_there_when_the_standby_s_come(hall: Hall) -> None:
    hall.variables |= {"TRADING_PAIRS": ORDERS[0], **SHORT_LIFE}
    hall.start_web()
    first, second = start_fetchers(hall, 2)
    wait_until(lambda: "standing by" in first.log + second.log, "the standby's word")
    hall.wait_for_prices()
    if active(hall, [first, second]) is second:
        first, second = second, first
    asked_by = owners_in_turn(hall.exchange.requests)

    first.process.kill()
    statuses: list[int] = []

    def is_taken_over() -> bool:
        statuses.append(hall.get("prices").status)
        return len(owners_in_turn(hall.exchange.requests)) > len(asked_by) and min(hall.ages_ms().values()) < 1_000

    wait_until(is_taken_over, "the take-over", 15)

    assert set(statuses) == {200}
    assert overlaps(hall.exchange.requests) == []
    assert second.holds_lease(hall.client)


def test_a_fetcher_that_was_stopped_in_the_middle_of_a_cycle_writes_nothing_when_it_wakes_up(hall: Hall) -> None:
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
    statuses: list[int] = []

    def is_taken_over() -> bool:
        statuses.append(hall.get("prices").status)
        return standby.holds_lease(hall.client) and min(hall.ages_ms().values()) < 1_000

    wait_until(is_taken_over, "the take-over", 15)
    reigns = owners_in_turn(hall.exchange.requests)
    written = hall.client.mget(f"market_data:{pair}" for pair in ORDERS[0].split(","))
    sleeper.send(signal.SIGCONT)
    wait_until(lambda: sleeper.log.count("standing by") == 1, "the woken one's stepping back", 10)
    wait_for_cycles(hall, 2)

    assert set(statuses) == {200}
    assert all(written), "prices lie in the cache all the time"
    assert standby.holds_lease(hall.client)
    assert owners_in_turn(hall.exchange.requests) == reigns, "the woken one asks nothing"
    assert owner(ticker_requests(hall.exchange.requests)[-1]) == owner_of(ORDERS[fetchers.index(standby)])
    assert sleeper.process.poll() is None
    assert "Traceback" not in sleeper.log

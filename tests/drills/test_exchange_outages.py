"""An exchange that is away for a while: what readers have meanwhile, and how soon they have fresh prices again."""

import time
from collections import Counter

import pytest

from exchange_simulator.request_log import LoggedRequest
from tests.drills.conftest import TICKERS, Hall
from tests.drills.recovery_times import RecoveryTimes
from tests.process_facts import wait_until

SECONDS_TO_A_FRESH_PRICE = 30


def test_an_outage_of_six_seconds_costs_no_price_its_life(hall: Hall) -> None:
    hall.start()
    hall.exchange.stop()
    began = time.monotonic()
    statuses: Counter[int] = Counter()

    def is_over() -> bool:
        statuses[hall.get("prices").status] += 1
        return time.monotonic() - began > 6

    wait_until(is_over, "six seconds of outage")
    hall.exchange.start()
    wait_until(lambda: is_over() and max(hall.ages_ms().values()) < 2_000, "fresh prices", 10)
    assert statuses.keys() == {200}


def test_in_a_longer_outage_prices_end_with_their_life_are_marked_for_who_wants_them_and_come_back(hall: Hall) -> None:
    hall.variables |= {"MARKET_DATA_CACHE_TTL_MS": "6000", "MARKET_DATA_CACHE_STALE_TTL_MS": "3000"}
    fetcher = hall.start()
    last_seen_ms = hall.get("prices").content["BTC/USDT"]["timestamp"]
    hall.exchange.stop()

    wait_until(lambda: hall.get("prices").status == 503, "503 for plain readers", 15)
    plain, patient = hall.get("prices"), hall.get("prices?maxStaleMs=600000")
    now_ms = int(plain.headers["X-Market-Data-Time"])
    assert 5_900 < now_ms - patient.content["BTC/USDT"]["timestamp"] < 9_000, "at the end of its life, not before"
    assert patient.content["BTC/USDT"]["timestamp"] - last_seen_ms < 4_000
    assert patient.status == 200
    assert all(record["stale"] for record in patient.content.values())
    page = hall.get("/").body.decode()
    assert 'data-state="live"' not in page
    assert page.count('data-state="missing"') + page.count('data-state="stale"') == 2
    wait_until(lambda: state_of_circuit(hall) == "open", "an open circuit", 20)
    health = hall.get("health")
    assert (health.status, health.content["status"]) == (200, "degraded")
    assert any("refuses connections" in reason for reason in health.content["reasons"])
    assert hall.get("init").content["status"] == "degraded"

    hall.exchange.start()
    wait_until(lambda: hall.get("prices").status == 200, "fresh prices", SECONDS_TO_A_FRESH_PRICE)
    assert state_of_circuit(hall) == "closed"
    assert fetcher.log.count("fetching prices failed: ") == 2, "one line when it began and one with its length"


def state_of_circuit(hall: Hall) -> str:
    return hall.get("health").content["aggregator"]["circuitBreaker"]["state"]


@pytest.fixture
def crowded(hall: Hall) -> Hall:
    hall.variables["TRADING_PAIRS"] = ",".join(f"SIM{number:04d}/USDT" for number in range(1, 61))
    hall.start()
    return hall


def test_an_exchange_as_slow_as_the_interval_gets_no_more_than_it_can_answer_and_every_pair_its_turn(
    crowded: Hall, recovery: RecoveryTimes
) -> None:
    fetcher, log = crowded.fetchers[0], crowded.exchange.requests
    crowded.exchange.faults.add("latency", seconds=1.7)
    wait_until(lambda: "refresh cycles have no time for every pair: " in fetcher.log, "the warning", 15)
    log.clear()
    wait_until(lambda: len(finished(log.last(path_ending=TICKERS))) >= 18, "six slow cycles", 25)

    assert log.max_concurrent <= 3, "no overlap and no queue"
    assert {request.status for request in finished(log.last(path_ending=TICKERS))} == {200}, "none was cut off"
    ages = crowded.ages_ms()
    assert len(ages) == 60
    assert max(ages.values()) < 2 * 2_000 + 2_000 + 1_500, "every pair in every second cycle"
    assert set(crowded.outcomes().values()) == {"ok"}
    assert crowded.get("init").content["fetcher"]["stats"]["lastFetchDurationMs"] < 2_000
    assert fetcher.log.count("no time for every pair") == 1
    assert "timeout: " not in fetcher.log, "waiting for its turn is no trouble of a pair"

    crowded.exchange.faults.clear()
    with recovery.measured("an exchange as slow as the interval: until every cycle has time for every pair"):
        wait_until(lambda: "no time for every pair: over after" in fetcher.log, "the end of the warning", 20)


def finished(requests: list[LoggedRequest]) -> list[LoggedRequest]:
    return [request for request in requests if request.finished_monotonic is not None]

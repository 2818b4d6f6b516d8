"""Statuses that are no answer: 5xx in every form, hosts that block this address, and prices that move oddly."""

import json
from collections.abc import Iterator

import psutil
import pytest

from exchange_simulator.server import RunningSimulator
from tests.drills.conftest import TICKERS, Hall
from tests.drills.recovery_times import RecoveryTimes
from tests.process_facts import wait_until

MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize("body", ["json", "html", "empty"])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_is_told_by_status_and_host_and_never_by_a_page(hall: Hall, status: int, body: str) -> None:
    hall.exchange.faults.add("status", status=status, body=body, path=TICKERS)

    fetcher = hall.start_fetcher("--once")

    assert fetcher.wait() == 1
    report = json.loads(hall.client.get("market_data_fetcher:status"))
    assert {pair["outcome"] for pair in report["pairs"].values()} == {"unavailable"}
    assert report["circuitBreaker"]["consecutiveFailures"] == 1
    assert f"{hall.exchange.base_url.split('//')[1]} answered {status}" in report["stats"]["lastError"]
    assert "<" not in fetcher.log


@pytest.fixture
def second_host() -> Iterator[RunningSimulator]:
    with RunningSimulator(symbols=200, seed=5) as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "values", "words", "comes_back"),
    [
        ("status", {"status": 503, "body": "html"}, "answered 503", False),
        ("firewall", {}, "answered 403: its firewall refuses this address; wait a few minutes", False),
        ("geo_blocked", {}, "answered 451: it does not serve this address's location; use another host", True),
    ],
)
def test_a_host_that_fails_is_left_for_the_other_one_and_said_so_once(
    hall: Hall, second_host: RunningSimulator, kind: str, values: dict[str, object], words: str, comes_back: bool
) -> None:
    hall.exchange.faults.add(kind, **values)
    hall.start_web()
    fetcher = hall.start_fetcher(BINANCE_API_FALLBACK_URLS=json.dumps([second_host.base_url]))
    hall.wait_for_prices()
    wait_until(lambda: second_host.requests.count(TICKERS) >= 3, "three cycles on the other host")

    assert hall.exchange.requests.total <= 2
    assert fetcher.log.count("of the exchange fails, another is asked first") == 1
    assert words in fetcher.log
    health = hall.get("health").content
    assert health["aggregator"]["exchange"]["host"] == second_host.base_url.split("//")[1]
    assert health["aggregator"]["circuitBreaker"]["state"] == "closed"
    if comes_back:
        hall.exchange.faults.clear()
        wait_until(lambda: "another is asked first: over after" in fetcher.log, "the first host's return", 20)


@pytest.mark.parametrize("leads", ["to another host", "to itself"])
def test_a_redirect_is_not_followed_wherever_it_leads_and_is_told_as_what_it_is(
    hall: Hall, recovery: RecoveryTimes, second_host: RunningSimulator, leads: str
) -> None:
    fetcher = hall.start()
    before = hall.get("prices").content["BTC/USDT"]["timestamp"]
    location = f"{second_host.base_url}{TICKERS}" if leads == "to another host" else None
    hall.exchange.requests.clear()
    hall.exchange.faults.add("redirect", status=301, location=location)
    wait_until(lambda: set(hall.outcomes().values()) == {"unavailable"}, "the redirect", 10)
    wait_until(lambda: hall.exchange.requests.count(TICKERS) >= 3, "two more attempts", 30)

    stats = hall.get("init").content["fetcher"]["stats"]
    assert hall.exchange.requests.count(TICKERS) <= stats["fetchAttempts"] + 1, "one request a cycle"
    assert second_host.requests.total == 0
    assert "answered 301" in stats["lastError"]
    assert "<" not in stats["lastError"]
    patient = hall.get("prices?maxStaleMs=600000").content["BTC/USDT"]
    assert patient["timestamp"] - before <= 4_000, "no price came through the redirect"
    assert hall.get("health").content["status"] == "degraded"
    with recovery.measured(f"a redirect {leads}: until every price is fresh"):
        hall.exchange.faults.clear()
        wait_until(lambda: max(hall.ages_ms().values(), default=9_999) < 2_000, "fresh prices", 30)
    assert fetcher.log.count("fetching prices failed: ") == 2, "one line when it began and one with its length"
    assert "Traceback" not in fetcher.log


def test_an_exchange_that_blocks_this_address_is_asked_ever_more_rarely_and_its_return_found(
    hall: Hall, recovery: RecoveryTimes
) -> None:
    hall.exchange.faults.add("geo_blocked")
    hall.start_web()
    fetcher = hall.start_fetcher()

    def stats() -> dict[str, object]:
        return hall.get("init").content["fetcher"]["stats"]

    wait_until(lambda: stats()["fetchAttempts"] >= 2, "two cycles", 40)
    assert hall.exchange.requests.total <= 2, "a cycle does not ask a host that has not rested"
    assert set(hall.outcomes().values()) == {"blocked"}
    assert "use another host of the exchange or another address" in stats()["lastError"]
    assert hall.get("health").content["status"] == "degraded"
    assert "Traceback" not in fetcher.log
    with recovery.measured("blocked for two cycles: until prices are served"):
        hall.exchange.faults.clear()
        hall.wait_for_prices(seconds=45)


def test_sixty_megabytes_of_answer_do_not_fill_the_memory(hall: Hall) -> None:
    fetcher = hall.start()
    process = psutil.Process(fetcher.process.pid)
    usual = peak = process.memory_info().rss
    hall.exchange.faults.add("huge_body", mebibytes=60)

    def are_malformed() -> bool:
        nonlocal peak
        peak = max(peak, process.memory_info().rss)
        return set(hall.outcomes().values()) == {"malformed"} and attempts() >= began_at + 2

    def attempts() -> int:
        return hall.get("init").content["fetcher"]["stats"]["fetchAttempts"]

    began_at = attempts()
    wait_until(are_malformed, "two cycles of huge answers")
    assert peak - usual < 80 * MEBIBYTE
    hall.exchange.faults.clear()
    wait_until(lambda: set(hall.outcomes().values()) == {"ok"}, "fresh prices", 20)


def test_a_crash_is_shown_at_once_and_a_wrong_clock_of_the_exchange_changes_no_age(hall: Hall) -> None:
    hall.start()
    for offset_ms in (600_000, -600_000):
        with hall.exchange.faults.active("clock_offset", offset_ms=offset_ms):
            asked = hall.exchange.requests.count(TICKERS)
            wait_until(lambda asked=asked: hall.exchange.requests.count(TICKERS) >= asked + 2, "two cycles")
            assert set(hall.outcomes().values()) == {"ok"}
            assert max(hall.ages_ms().values()) < 4_000
    before = hall.get("prices").content["BTC/USDT"]["price"]
    asked = hall.exchange.requests.count(TICKERS)
    hall.exchange.faults.add("price", symbols=["BTCUSDT"], multiply=0.4)
    wait_until(lambda: hall.get("prices").content["BTC/USDT"]["price"] < 0.45 * before, "the crash", 10)
    assert hall.exchange.requests.count(TICKERS) <= asked + 2
    wait_until(lambda: hall.exchange.requests.count(TICKERS) >= asked + 3, "the cycle after it")
    assert hall.get("prices").content["BTC/USDT"]["price"] < 0.45 * before, "it stays shown while it lasts"


def test_symbols_that_do_not_trade_are_never_shown_as_live(hall: Hall) -> None:
    hall.variables["TRADING_PAIRS"] = "BTC/USDT,ETH/USDT,SIM0001/USDT,XMR/USDT,BUSD/USDT,LUNA/USDT"
    hall.variables |= {"MARKET_DATA_CACHE_TTL_MS": "6000", "MARKET_DATA_CACHE_STALE_TTL_MS": "3000"}
    hall.start_web()
    hall.start_fetcher()
    hall.wait_for_prices(206)
    listed = {"XMR/USDT": "not_trading", "BUSD/USDT": "not_trading", "LUNA/USDT": "not_trading"}
    assert listed.items() <= hall.outcomes().items()
    wait_until(lambda: hall.exchange.requests.count(TICKERS) >= 3, "two cycles after the list was loaded")
    last = {pair: record["timestamp"] for pair, record in hall.get("prices").content.items()}
    hall.exchange.faults.add("symbol_status", symbols=["ETHUSDT"], status="BREAK", row="frozen")
    hall.exchange.faults.add("symbol_status", symbols=["SIM0001USDT"], status="BREAK", row="zero")
    fallen = {"ETH/USDT": "not_trading", "SIM0001/USDT": "not_trading", "BTC/USDT": "ok"}
    wait_until(lambda: fallen.items() <= hall.outcomes().items(), f"{fallen}", 10)

    current = hall.get("prices?maxStaleMs=60000").content
    for pair in ("ETH/USDT", "SIM0001/USDT"):
        assert current[pair]["timestamp"] - last[pair] <= 4_000, "no answer from after the delisting is taken"
    wait_until(lambda: list(hall.get("prices").content) == ["BTC/USDT"], "the end of the old prices' life", 25)
    assert hall.get("prices?maxStaleMs=60000").content["ETH/USDT"]["stale"] is True

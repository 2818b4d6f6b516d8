"""Symbols that the exchange does not know any more, knows again, renames, or halts behind a row that looks alive."""

import signal
from collections import Counter
from urllib.parse import unquote

from tests.drills.conftest import TICKERS, Hall
from tests.drills.recovery_times import RecoveryTimes
from tests.process_facts import wait_until

PAIRS = [f"SIM{number:04d}/USDT" for number in range(1, 51)]
NAMES = [pair.replace("/", "") for pair in PAIRS]


def test_symbols_unknown_from_now_on_cost_the_others_nothing_and_come_back_and_a_halt_is_noticed(hall: Hall) -> None:
    hall.variables["TRADING_PAIRS"] = ",".join([*PAIRS, "BTC/USDT", "ETH/USDT"])
    hall.variables |= {"MARKET_DATA_CACHE_TTL_MS": "6000", "MARKET_DATA_CACHE_STALE_TTL_MS": "3000"}
    hall.start()
    requests = hall.exchange.requests
    hall.exchange.faults.add("symbol_status", symbols=["ETHUSDT"], status="HALT", row="live")
    three = hall.exchange.faults.add("unknown_symbol", symbols=NAMES[:3])
    wait_until(lambda: Counter(hall.outcomes().values()) == {"ok": 49, "unknown_symbol": 3}, "three unknown", 10)
    assert max(hall.ages_ms()[pair] for pair in [*PAIRS[3:], "BTC/USDT"]) < 4_000
    hall.exchange.faults.remove(three.number)

    requests.clear()
    all_of_them = hall.exchange.faults.add("unknown_symbol", symbols=NAMES)
    wait_until(lambda: Counter(hall.outcomes().values())["unknown_symbol"] == 50, "all fifty unknown", 10)
    assert hall.outcomes()["BTC/USDT"] == "ok"
    assert hall.ages_ms()["BTC/USDT"] < 4_000
    assert requests.count(TICKERS) <= 2 * 50 + 5 + 12, "halving, and the cycles since"
    requests.clear()
    wait_until(lambda: requests.count(TICKERS) >= 2, "two more cycles", 10)
    assert all(request.symbols == ("BTCUSDT", "ETHUSDT") for request in requests.last(2, TICKERS))
    hall.exchange.faults.remove(all_of_them.number)

    back = Counter({"ok": 51, "not_trading": 1})
    wait_until(lambda: Counter(hall.outcomes().values()) == back, "the fifty back and the halt noticed", 50)
    assert hall.outcomes()["ETH/USDT"] == "not_trading"
    wait_until(lambda: "ETH/USDT" not in hall.get("prices").content, "the end of its last price's life", 20)
    assert requests.count("exchangeInfo") <= 3, "bounded extra requests"


def test_a_renamed_symbol_is_never_live_under_its_old_name_and_costs_the_others_nothing(
    hall: Hall, recovery: RecoveryTimes
) -> None:
    hall.variables["TRADING_PAIRS"] = "BTC/USDT,ETH/USDT,SIM0001/USDT"
    hall.variables |= {"MARKET_DATA_CACHE_TTL_MS": "6000", "MARKET_DATA_CACHE_STALE_TTL_MS": "3000"}
    fetcher = hall.start()
    others = ("ETH/USDT", "SIM0001/USDT")
    last = hall.get("prices").content["BTC/USDT"]["timestamp"]
    hall.exchange.faults.add("renamed_symbol", names={"BTCUSDT": "XBTUSDT"})
    renamed = {"BTC/USDT": "unknown_symbol", **dict.fromkeys(others, "ok")}
    wait_until(lambda: hall.outcomes() == renamed, f"{renamed}", 10)

    assert max(hall.ages_ms()[pair] for pair in others) < 4_000, "fresh in the same cycle"
    patient = hall.get("prices?maxStaleMs=60000").content["BTC/USDT"]
    assert patient["timestamp"] - last <= 4_000, "no answer from after the renaming is taken"
    wait_until(lambda: hall.get("prices").status == 206, "the end of the last price's life", 20)
    plain, patient = hall.get("prices"), hall.get("prices?maxStaleMs=60000").content["BTC/USDT"]
    assert sorted(plain.content) == sorted(others)
    assert unquote(plain.headers["X-Market-Data-Missing"]) == "BTC/USDT"
    assert patient["stale"] is True
    assert patient["timestamp"] - last <= 4_000
    assert hall.get("health").content["pairs"]["outcomes"] == {"BTC/USDT": "unknown_symbol"}
    assert hall.get("/").body.decode().count('data-state="live"') == len(others)

    with recovery.measured("a symbol is renamed: from the restart with its new name until it is served"):
        fetcher.send(signal.SIGTERM)
        assert fetcher.wait() == 0
        hall.start_fetcher(TRADING_PAIRS="XBT/USDT,ETH/USDT,SIM0001/USDT")
        wait_until(lambda: hall.client.exists("market_data:XBT/USDT"), "the price under the new name", 20)

"""Symbols that the exchange does not know any more, knows again, or halts behind a row that looks alive."""

from collections import Counter

from tests.drills.conftest import TICKERS, Hall
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

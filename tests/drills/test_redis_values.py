"""What lies in Redis under our keys and is none of ours costs its own pair, and no other."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote

from tests.drills.conftest import Hall
from tests.drills.recovery_times import RecoveryTimes
from tests.process_facts import wait_until
from tests.web_site import PriceKeys

GOOD = ["ADA/USDT", "SOL/USDT"]
BROKEN = ["BTC/USDT", "ETH/USDT", "XRP/USDT", "DOGE/USDT"]


def break_values(hall: Hall) -> None:
    no_json, list_, hash_, nested = (f"market_data:{pair}" for pair in BROKEN)
    hall.client.set(no_json, b"\xff\x00 no JSON")
    for key, command in ((list_, ["RPUSH", "an item"]), (hash_, ["HSET", "a field", "a value"])):
        hall.client.delete(key)
        hall.client.execute_command(command[0], key, *command[1:])
    hall.client.set(nested, b"[" * 1_000_000)


def test_a_value_that_is_no_record_costs_its_own_pair_and_no_time(hall: Hall) -> None:
    hall.variables["TRADING_PAIRS"] = ",".join(GOOD + BROKEN)
    hall.start_web()
    keys = PriceKeys(hall.client)
    keys.write(*GOOD, *BROKEN)
    with ThreadPoolExecutor(8) as readers:
        usual = list(readers.map(lambda _: hall.get("prices?maxStaleMs=60000"), range(40)))
        break_values(hall)
        hall.client.delete(*(f"market_data_last:{pair}" for pair in BROKEN))
        wait_until(lambda: hall.get("prices?maxStaleMs=60000").status != 200, "the end of the last snapshot")
        replies = list(readers.map(lambda _: hall.get("prices?maxStaleMs=60000"), range(40)))
    health, page, alone = hall.get("health"), hall.get("/"), hall.get("prices?pairs=DOGE/USDT")

    assert {reply.status for reply in usual} == {200}
    assert {reply.status for reply in replies} == {206}, {reply.body for reply in replies if reply.status != 206}
    assert {tuple(reply.content) for reply in replies} == {tuple(GOOD)}
    named = {unquote(reply.headers["X-Market-Data-Missing"]) for reply in replies}
    assert named == {",".join(BROKEN)}
    assert max(reply.seconds for reply in [*replies, health, page, alone]) < 10.0
    assert (health.status, health.content["pairs"]["missing"]) == (200, len(BROKEN))
    assert (page.status, alone.status) == (200, 503)


def test_a_fetcher_replaces_whatever_lies_under_its_keys(hall: Hall, recovery: RecoveryTimes) -> None:
    hall.variables["TRADING_PAIRS"] = ",".join(GOOD + BROKEN)
    break_values(hall)
    hall.client.set("market_data_fetcher:status", b"no JSON")
    hall.client.rpush("market_data_fetcher:source", "a list")

    hall.start()
    wait_until(lambda: hall.get("health").content["status"] == "healthy", "health")

    assert set(hall.outcomes().values()) == {"ok"}
    assert hall.get("prices").headers["X-Market-Data-Source"] == "simulator"
    break_values(hall)
    with recovery.measured("values that are no records: until all are replaced"):
        hall.wait_for_prices(seconds=10)

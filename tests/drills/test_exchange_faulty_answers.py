"""Answers that come late, in drops, cut, or as something else: one batch is hit, and only that one suffers."""

from collections import Counter
from collections.abc import Iterator

import pytest

from development.embedded_cache import EmbeddedCache
from exchange_simulator.server import RunningSimulator
from tests.drills.conftest import TICKERS, Hall
from tests.process_facts import wait_until

INTERVAL_MS = 2_000
PAIRS = [f"SIM{number:04d}/USDT" for number in range(1, 31)]
# Two batches are hit in turn, so that each test finds the other's recovery in its own cycle.
HIT = ("SIM0001", "SIM0011")
WAYS = {
    "read time-out": ([("latency", {"seconds": 60})], {"timeout"}),
    "head a byte a second": ([("slow_head", {"pause_seconds": 1})], {"timeout"}),
    "body a byte a second": ([("slow_body", {"pause_seconds": 1})], {"timeout"}),
    "body a byte a second, then the end": (
        [("slow_body", {"pause_seconds": 1}), ("connection_close", {})],
        {"timeout"},
    ),
    "no answer": ([("dropped", {})], {"unavailable"}),
    "cut in the middle": ([("half_sent", {})], {"unavailable"}),
    "Content-Length too long": ([("content_length", {"change": 500})], {"unavailable"}),
    "Content-Length too short": ([("content_length", {"change": -500})], {"unavailable", "malformed"}),
    "gzip that is none": ([("false_gzip", {})], {"unavailable"}),
    "a page": ([("html_body", {})], {"malformed"}),
    "nothing": ([("empty_body", {})], {"malformed"}),
    "half of the JSON": ([("cut_json", {})], {"malformed"}),
    "arrays without end": ([("nested_json", {})], {"malformed"}),
    "{}": ([("json_body", {"value": {}})], {"malformed"}),
    "null": ([("json_body", {"value": None})], {"malformed"}),
    "[]": ([("json_body", {"value": []})], {"missing_in_answer"}),
}
ROWS = {
    "SIM0001": ("field_value", {"value": "NaN"}, "rejected"),
    "SIM0002": ("field_value", {"value": "-1"}, "rejected"),
    "SIM0003": ("field_value", {"value": "1e400"}, "rejected"),
    "SIM0004": ("field_value", {"value": 43250.1}, "malformed"),
    "SIM0005": ("missing_field", {}, "malformed"),
    "SIM0006": ("missing_rows", {}, "missing_in_answer"),
    "SIM0007": ("null_rows", {}, "missing_in_answer"),
    "SIM0008": ("repeated_rows", {}, "ok"),
    "SIM0009": ("extra_rows", {"extra": ["BTCUSDT"]}, "ok"),
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """A hall for all tests of this module: thirty pairs in three batches, all served."""
    folder = tmp_path_factory.mktemp("faulty-answers")
    with RunningSimulator(symbols=200, seed=5) as exchange, EmbeddedCache() as cache:
        hall = Hall(folder, exchange, cache, ",".join(PAIRS))
        try:
            hall.start()
            yield hall
        finally:
            hall.close()


@pytest.mark.parametrize(("turn", "way"), list(enumerate(WAYS)), ids=list(WAYS))
def test_a_faulty_answer_costs_its_own_batch_one_cycle_and_the_others_nothing(
    running: Hall, turn: int, way: str
) -> None:
    faults, outcomes = WAYS[way]
    fetcher, hit = running.fetchers[0], HIT[turn % 2]
    for kind, values in faults:
        running.exchange.faults.add(kind, path=TICKERS, symbols=[f"{hit}USDT"], **values)
    wait_until(lambda: running.outcomes()[f"{hit}/USDT"] in outcomes, f"one of {outcomes}", 10)

    running.exchange.faults.clear()
    counts = Counter(running.outcomes().values())
    assert counts.pop("ok") == 20
    assert set(counts) <= outcomes
    stats = running.get("init").content["fetcher"]["stats"]
    # To the millisecond the deadline is held in simulated time; here a busy machine counts in.
    assert stats["lastFetchDurationMs"] < 5 * INTERVAL_MS, "what hangs is cut off"
    ages = running.ages_ms()
    assert sorted(ages.values())[19] < 2 * INTERVAL_MS, "the other batches are fresh"
    assert fetcher.process.poll() is None
    assert "Traceback" not in fetcher.log


def test_a_request_that_drips_beyond_its_cycle_is_really_cancelled(running: Hall) -> None:
    hit = "SIM0001USDT"
    wait_until(lambda: set(running.outcomes().values()) == {"ok"}, "a sound market", 10)
    running.exchange.requests.clear()
    for kind, values in (("slow_body", {"pause_seconds": 0.2}), ("connection_close", {})):
        running.exchange.faults.add(kind, path=TICKERS, symbols=[hit], requests=1, **values)

    def dripped() -> list[float]:
        requests = [request for request in running.exchange.requests.last(60, TICKERS) if hit in request.symbols]
        return [
            request.finished_monotonic - request.received_monotonic
            for request in requests
            if request.finished_monotonic and request.status == 200
        ]

    wait_until(lambda: max(dripped(), default=0) > 1, "an answer that was cut off", 10)
    assert max(dripped()) < INTERVAL_MS / 1000 + 0.5


def test_bad_rows_cost_only_their_own_pairs_and_good_values_stay(running: Hall) -> None:
    wait_until(lambda: set(running.outcomes().values()) == {"ok"}, "a sound market", 10)
    before = running.get("prices").content
    running.exchange.requests.clear()
    for base, (kind, values, _) in ROWS.items():
        running.exchange.faults.add(kind, path=TICKERS, symbols=[f"{base}USDT"], **values)
    expected = {f"{base}/USDT": outcome for base, (_, _, outcome) in ROWS.items()}
    wait_until(lambda: expected.items() <= running.outcomes().items(), f"{expected}", 10)

    reply = running.get("prices?maxStaleMs=60000")
    bad = [pair for pair, outcome in expected.items() if outcome != "ok"]
    assert all(0 < record["price"] < 1e9 for record in reply.content.values())
    assert all(reply.content[pair]["timestamp"] - before[pair]["timestamp"] <= 2 * INTERVAL_MS for pair in bad)
    assert "BTC/USDT" not in reply.content, "a row that nobody asked for is nobody's price"
    assert running.exchange.requests.count(TICKERS) <= 12, "a bad row causes no request"
    running.exchange.faults.clear()
    wait_until(lambda: set(running.outcomes().values()) == {"ok"}, "all fresh again", 10)

"""Many pairs over real HTTP: one request for the whole market in the place of the batches, and what spoils it."""

from collections import Counter
from collections.abc import Callable

import pytest
import redis

from exchange_simulator.server import RunningSimulator
from market_data.ticker.outcome import PairOutcome
from tests.integration.command_log import CommandLog
from tests.integration.conftest import Bench

TICKERS = "/api/v3/ticker/24hr"
WHOLE_MARKET = "symbolStatus=TRADING"
COUNT = 450
CYCLES_WITHOUT = 8
PAIRS = [f"SIM{number:04d}/USDT" for number in range(1, COUNT + 1)]
MakeBench = Callable[..., Bench]


def asked(exchange: RunningSimulator) -> list[tuple[int | None, int]]:
    """Return how many symbols the requests for tickers named, and what each weighed; forget the requests."""
    requests = exchange.requests.last(path_ending=TICKERS)
    exchange.requests.clear()
    assert all(request.symbols or request.query == WHOLE_MARKET for request in requests)
    return [(request.symbol_count, request.weight) for request in requests]


def but_ok(bench: Bench) -> dict[str, PairOutcome]:
    return {pair: outcome for pair, outcome in bench.outcomes().items() if outcome is not PairOutcome.OK}


@pytest.fixture
def many(bench: MakeBench, exchange: RunningSimulator) -> Bench:
    """Return a bench of many pairs whose list of symbols is loaded, and that has asked for nothing else."""
    made = bench(*PAIRS)
    made.refresh()
    assert asked(exchange) == [(None, 80)]
    return made


def test_a_whole_market_is_one_request_and_a_few_writes_and_every_pair_is_fresh(
    many: Bench, exchange: RunningSimulator, redis_client: redis.Redis, redis_server
) -> None:
    with CommandLog(redis_server.url) as log:
        report = many.refresh()
        commands = Counter(command[0] for command in log.read())

    assert asked(exchange) == [(None, 80)]
    assert (len(report.records), len(many.cached())) == (COUNT, COUNT)
    assert commands["EVALSHA"] == 1
    assert commands["MGET"] == 0


def test_more_prices_than_one_write_takes_are_written_in_parts(bench: MakeBench, redis_server) -> None:
    with RunningSimulator(symbols=1400) as large:
        pairs = [f"SIM{number:04d}/USDT" for number in range(1, 1202)]
        wide = bench(*pairs, BINANCE_API_BASE_URL=large.base_url)
        wide.refresh()
        asked(large)
        with CommandLog(redis_server.url) as log:
            report = wide.refresh()
            writes = [command for command in log.read() if command[0] == "EVALSHA"]

        assert len(writes) == 3
        assert asked(large) == [(None, 80)]
        assert (len(report.records), len(wide.cached())) == (1201, 1201)


def test_symbols_that_vanished_are_found_by_name_in_the_same_cycle_and_left_out_of_the_next(
    many: Bench, exchange: RunningSimulator
) -> None:
    exchange.faults.add("unknown_symbol", symbols=["SIM0007USDT", "SIM0300USDT"])

    unknown = dict.fromkeys(["SIM0007/USDT", "SIM0300/USDT"], PairOutcome.UNKNOWN_SYMBOL)
    assert but_ok(many) == unknown
    assert asked(exchange) == [(None, 80), (1, 2), (1, 2)]
    assert but_ok(many) == unknown
    assert asked(exchange) == [(None, 80)]


def test_many_symbols_that_vanished_are_found_too(many: Bench, exchange: RunningSimulator) -> None:
    exchange.faults.add("unknown_symbol", symbols=[f"SIM{number:04d}USDT" for number in range(1, 31)])

    assert set(but_ok(many).values()) == {PairOutcome.UNKNOWN_SYMBOL}
    assert len(asked(exchange)) <= 1 + 2 * 30
    assert len(but_ok(many)) == 30
    assert asked(exchange) == [(None, 80)]


@pytest.mark.parametrize("form", ["frozen", "zero"])
def test_symbols_delisted_from_now_on_are_not_shown_as_live(many: Bench, exchange: RunningSimulator, form: str) -> None:
    before = many.cached()["SIM0005/USDT"].raw
    exchange.faults.add("symbol_status", symbols=["SIM0005USDT"], status="BREAK", row=form)

    assert but_ok(many) == {"SIM0005/USDT": PairOutcome.NOT_TRADING}
    assert many.cached()["SIM0005/USDT"].raw == before


def test_a_row_that_is_missing_here_and_there_is_missing_in_the_answer(many: Bench, exchange: RunningSimulator) -> None:
    exchange.faults.add("missing_rows", symbols=["SIM0005USDT", "SIM0006USDT"])

    missing = dict.fromkeys(["SIM0005/USDT", "SIM0006/USDT"], PairOutcome.MISSING_IN_ANSWER)
    assert but_ok(many) == missing
    assert asked(exchange) == [(None, 80), (1, 2), (1, 2)]
    exchange.faults.clear()
    assert but_ok(many) == {}


@pytest.mark.parametrize(
    ("field", "value", "outcome"),
    [("lastPrice", "NaN", PairOutcome.REJECTED), ("lastPrice", 43250.1, PairOutcome.MALFORMED)],
)
def test_a_bad_value_never_replaces_a_good_one_and_costs_no_other_pair(
    many: Bench, exchange: RunningSimulator, field: str, value: object, outcome: PairOutcome
) -> None:
    good = many.cached()["SIM0005/USDT"].raw
    exchange.faults.add("field_value", field=field, value=value, symbols=["SIM0005USDT"])

    assert but_ok(many) == {"SIM0005/USDT": outcome}
    assert many.cached()["SIM0005/USDT"].raw == good
    assert asked(exchange) == [(None, 80)]


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("html_body", {}),
        ("cut_json", {}),
        ("json_body", {"value": {}}),
        ("json_body", {"value": []}),
        ("nested_json", {}),
        ("huge_body", {"mebibytes": 20}),
        ("status", {"status": 400, "code": -1122}),
        ("status", {"status": 400, "code": -1100}),
    ],
)
def test_an_answer_of_no_use_is_made_up_for_by_batches_in_the_same_cycle_and_asked_for_again_later(
    many: Bench, exchange: RunningSimulator, kind: str, values: dict[str, object]
) -> None:
    exchange.faults.add(kind, path=TICKERS, requests=1, **values)

    assert but_ok(many) == {}
    assert asked(exchange) == [(None, 80)] + [(10, 2)] * 45
    for _ in range(CYCLES_WITHOUT):
        assert but_ok(many) == {}
        assert asked(exchange) == [(10, 2)] * 45
    assert but_ok(many) == {}
    assert asked(exchange) == [(None, 80)]


@pytest.mark.parametrize(
    ("kind", "values"), [("status", {"status": 503, "body": "html"}), ("dropped", {}), ("half_sent", {})]
)
def test_an_outage_costs_one_cycle_and_no_further_request_and_the_next_takes_batches(
    many: Bench, exchange: RunningSimulator, kind: str, values: dict[str, object]
) -> None:
    exchange.faults.add(kind, path=TICKERS, requests=1, **values)

    report = many.refresh()
    assert set(report.outcomes.values()) == {PairOutcome.UNAVAILABLE}
    assert report.error is not None
    assert asked(exchange) == [(None, 80)]
    assert but_ok(many) == {}
    assert asked(exchange) == [(10, 2)] * 45


@pytest.mark.parametrize(
    ("kind", "values"), [("latency", {"seconds": 60}), ("slow_body", {"pause_seconds": 0.2, "chunk_bytes": 100})]
)
def test_the_cycles_deadline_ends_an_answer_that_takes_too_long_and_batches_bring_the_next(
    bench: MakeBench, exchange: RunningSimulator, kind: str, values: dict[str, object]
) -> None:
    many = bench(*PAIRS, MARKET_DATA_FETCH_INTERVAL_MS="2000")
    many.refresh()
    asked(exchange)
    exchange.faults.add(kind, path=TICKERS, requests=1, **values)

    report = many.refresh()
    assert set(report.outcomes.values()) == {PairOutcome.TIMEOUT}
    assert report.duration_ms < 30_000
    assert [count for count, _ in asked(exchange)] == [None]
    many.refresh()
    assert {count for count, _ in asked(exchange)} == {10}


def test_a_429_stops_every_request_until_its_wait_is_over(many: Bench, exchange: RunningSimulator) -> None:
    exchange.faults.add("rate_limited", path=TICKERS, requests=1)

    assert set(but_ok(many).values()) == {PairOutcome.RATE_LIMITED}
    assert asked(exchange) == [(None, 80)]
    assert set(but_ok(many).values()) == {PairOutcome.RATE_LIMITED}
    assert asked(exchange) == []


def test_near_the_limit_of_request_weight_the_whole_market_is_not_asked_for(
    many: Bench, exchange: RunningSimulator
) -> None:
    exchange.faults.add("used_weight", weight=5_650)
    many.refresh()
    asked(exchange)

    assert set(but_ok(many).values()) == {PairOutcome.RATE_LIMITED}
    assert asked(exchange) == []


def test_another_host_makes_up_for_one_whose_answer_is_of_no_use(bench: MakeBench, exchange: RunningSimulator) -> None:
    with RunningSimulator(symbols=600, seed=3) as broken:
        broken.faults.add("cut_json", path=TICKERS)
        urls = {"BINANCE_API_BASE_URL": broken.base_url, "BINANCE_API_FALLBACK_URLS": f'["{exchange.base_url}"]'}
        two_hosts = bench(*PAIRS, **urls)

        assert but_ok(two_hosts) == {}
        assert asked(exchange) == [(None, 80)]
        assert asked(broken) == [(None, 80)]

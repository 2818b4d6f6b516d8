"""Refresh cycles over real HTTP into a real cache."""

import json
import threading
from collections.abc import Callable, Mapping
from decimal import Decimal

import pytest
import redis

from exchange_simulator.server import RunningSimulator
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import TickerRecord
from market_data.ticker_cache.status import FetcherStatus, FetchStats
from tests.integration.conftest import Bench

TICKERS = "/api/v3/ticker/24hr"
MakeBench = Callable[..., Bench]


def simulated_pairs(count: int) -> list[str]:
    return [f"SIM{number:04d}/USDT" for number in range(1, count + 1)]


def test_a_pair_without_a_listed_symbol_is_priced_in_its_alias_and_says_so(bench: MakeBench) -> None:
    report = bench("BTC/USD", "BTC/USDT", "BTC/EUR").refresh()

    assert {pair: resolved.symbol for pair, resolved in report.pairs.items()} == {
        "BTC/USD": "BTCUSDT",
        "BTC/USDT": "BTCUSDT",
        "BTC/EUR": "BTCEUR",
    }
    assert [pair for pair, resolved in report.pairs.items() if resolved.is_quote_alias] == ["BTC/USD"]


def test_two_pairs_on_one_symbol_cost_one_request_and_name_it_once(
    bench: MakeBench, exchange: RunningSimulator
) -> None:
    bench("BTC/USD", "BTC/USDT").refresh()

    assert [request.symbols for request in exchange.requests.last(path_ending=TICKERS)] == [("BTCUSDT",)]


def test_with_aliases_turned_off_a_pair_that_is_not_listed_is_unknown(bench: MakeBench) -> None:
    turned_off = bench("BTC/USD", "BTC/USDT", MARKET_DATA_QUOTE_ALIASES="{}")

    assert turned_off.outcomes() == {"BTC/USD": PairOutcome.UNKNOWN_SYMBOL, "BTC/USDT": PairOutcome.OK}


def test_the_exchanges_digits_reach_the_cache_untouched(
    bench: MakeBench, exchange: RunningSimulator, redis_client: redis.Redis
) -> None:
    exchange.faults.add("field_value", field="lastPrice", value="0.00000001", symbols=["SHIBUSDT"])
    exchange.faults.add("field_value", field="volume", value="1082448588123.12345678", symbols=["SHIBUSDT"])

    bench("SHIB/USDT").refresh()

    text = redis_client.get("market_data:SHIB/USDT").decode()
    assert '"price":0.00000001,' in text
    assert '"volume":1082448588123.12345678,' in text
    fields = json.loads(text)
    assert list(fields) == ["pair", "price", "volume", "timestamp", "change24h", "high24h", "low24h", "exchange"]
    assert fields["exchange"] == "binance"


def test_names_beyond_ascii_and_names_that_begin_with_digits_are_priced(bench: MakeBench) -> None:
    pairs = ("币安人生/USDT", "1000SATS/USDT", "T/USDT")

    assert set(bench(*pairs).outcomes().values()) == {PairOutcome.OK}


def test_pairs_go_in_batches_of_ten_three_at_a_time_and_never_more(
    bench: MakeBench, exchange: RunningSimulator
) -> None:
    exchange.faults.add("latency", seconds=0.05, path=TICKERS)

    report = bench(*simulated_pairs(300)).refresh()

    requests = exchange.requests.last(path_ending=TICKERS)
    assert [request.symbol_count for request in requests] == [10] * 30
    assert exchange.requests.max_concurrent == 3
    assert len(report.records) == 300


def test_of_fifty_pairs_with_one_unknown_and_one_delisted_the_others_are_fresh_after_one_cycle(
    bench: MakeBench,
) -> None:
    fifty = bench(*simulated_pairs(48), "NOSUCH/USDT", "XMR/USDT")

    outcomes = fifty.outcomes()

    assert outcomes.pop("NOSUCH/USDT") is PairOutcome.UNKNOWN_SYMBOL
    assert outcomes.pop("XMR/USDT") is PairOutcome.NOT_TRADING
    assert set(outcomes.values()) == {PairOutcome.OK}
    assert len(fifty.cached()) == 48


@pytest.mark.parametrize("unknown_count", [1, 3])
def test_unknown_symbols_are_found_by_halving_while_the_others_stay_fresh(
    bench: MakeBench, exchange: RunningSimulator, unknown_count: int
) -> None:
    unknown = [f"SIM{number * 7:04d}" for number in range(1, unknown_count + 1)]
    fifty = bench(*simulated_pairs(50))
    fifty.refresh()
    exchange.faults.add("unknown_symbol", symbols=[f"{base}USDT" for base in unknown])
    before = exchange.requests.count(TICKERS)

    outcomes = fifty.outcomes()

    assert {pair for pair, outcome in outcomes.items() if outcome is PairOutcome.UNKNOWN_SYMBOL} == {
        f"{base}/USDT" for base in unknown
    }
    assert exchange.requests.count(TICKERS) - before <= 5 + 8 * unknown_count
    before = exchange.requests.count(TICKERS)
    assert fifty.outcomes() == outcomes
    assert exchange.requests.count(TICKERS) - before == 5, "those in quarantine are not asked for"


def test_without_the_list_of_symbols_prices_come_all_the_same(bench: MakeBench, exchange: RunningSimulator) -> None:
    exchange.faults.add("status", status=500, path="/api/v3/exchangeInfo")
    pairs = ("BTC/USD", "ETH/USDT", "NOSUCH/USDT", "XMR/USDT", "BUSD/USDT")

    assert bench(*pairs).outcomes() == {
        "BTC/USD": PairOutcome.OK,
        "ETH/USDT": PairOutcome.OK,
        "NOSUCH/USDT": PairOutcome.UNKNOWN_SYMBOL,
        "XMR/USDT": PairOutcome.NOT_TRADING,
        "BUSD/USDT": PairOutcome.NOT_TRADING,
    }


def test_a_host_that_does_not_know_the_lean_form_of_the_list_is_asked_for_the_whole(
    bench: MakeBench, exchange: RunningSimulator
) -> None:
    exchange.faults.add("status", status=400, code=-1104, path="/api/v3/exchangeInfo", requests=1)

    outcomes = bench("BTC/USDT", "NOSUCH/USDT").outcomes()

    assert outcomes["NOSUCH/USDT"] is PairOutcome.UNKNOWN_SYMBOL
    assert [request.query for request in exchange.requests.last(path_ending="/api/v3/exchangeInfo")][-1] == ""
    assert exchange.requests.count(TICKERS) == 1, "the list settled the unknown pair without a request"


def test_a_symbol_delisted_from_now_on_is_not_shown_as_live(bench: MakeBench, exchange: RunningSimulator) -> None:
    two = bench("BTC/USDT", "ETH/USDT")
    two.refresh()
    exchange.faults.add("symbol_status", symbols=["ETHUSDT"], status="BREAK", row="frozen")
    first_seen = two.cached()["ETH/USDT"].received_at_ms

    assert two.outcomes() == {"BTC/USDT": PairOutcome.OK, "ETH/USDT": PairOutcome.NOT_TRADING}
    assert two.cached()["ETH/USDT"].received_at_ms == first_seen


@pytest.mark.parametrize(
    ("field", "value", "outcome"),
    [
        ("lastPrice", "NaN", PairOutcome.REJECTED),
        ("lastPrice", "-1.00000000", PairOutcome.REJECTED),
        ("lastPrice", "1e400", PairOutcome.REJECTED),
        ("lastPrice", "0.00000000", PairOutcome.REJECTED),
        ("highPrice", "0.00000001", PairOutcome.REJECTED),
        ("closeTime", 9_999_999_999_999, PairOutcome.REJECTED),
        ("lastPrice", 43250.1, PairOutcome.MALFORMED),
        ("lastPrice", None, PairOutcome.MALFORMED),
        ("volume", "many", PairOutcome.MALFORMED),
    ],
)
def test_a_bad_value_never_replaces_a_good_one_and_costs_no_other_pair(
    bench: MakeBench, exchange: RunningSimulator, field: str, value: object, outcome: PairOutcome
) -> None:
    two = bench("BTC/USDT", "ETH/USDT")
    two.refresh()
    good = two.cached()["BTC/USDT"].raw
    exchange.faults.add("field_value", field=field, value=value, symbols=["BTCUSDT"])

    assert two.outcomes() == {"BTC/USDT": outcome, "ETH/USDT": PairOutcome.OK}
    assert two.cached()["BTC/USDT"].raw == good


def test_a_real_crash_is_shown_at_once(bench: MakeBench, exchange: RunningSimulator) -> None:
    one = bench("BTC/USDT")
    one.refresh()
    before = one.cached()["BTC/USDT"].decode().price
    exchange.faults.add("price", symbols=["BTCUSDT"], multiply=0.4)

    one.refresh()

    assert one.cached()["BTC/USDT"].decode().price < before * Decimal("0.45")


@pytest.mark.parametrize(
    ("kind", "values", "outcome"),
    [
        ("status", {"status": 503, "body": "html"}, PairOutcome.UNAVAILABLE),
        ("status", {"status": 500, "body": "empty"}, PairOutcome.UNAVAILABLE),
        ("dropped", {}, PairOutcome.UNAVAILABLE),
        ("half_sent", {}, PairOutcome.UNAVAILABLE),
        ("false_gzip", {}, PairOutcome.UNAVAILABLE),
        ("html_body", {}, PairOutcome.MALFORMED),
        ("cut_json", {}, PairOutcome.MALFORMED),
        ("json_body", {"value": {}}, PairOutcome.MALFORMED),
        ("json_body", {"value": None}, PairOutcome.MALFORMED),
        ("json_body", {"value": []}, PairOutcome.MISSING_IN_ANSWER),
        ("huge_body", {"mebibytes": 20}, PairOutcome.MALFORMED),
        ("nested_json", {}, PairOutcome.MALFORMED),
    ],
)
def test_a_fault_has_its_outcome_and_the_next_good_answer_ends_it(
    bench: MakeBench, exchange: RunningSimulator, kind: str, values: dict[str, object], outcome: PairOutcome
) -> None:
    one = bench("BTC/USDT")
    one.refresh()
    exchange.faults.add(kind, path=TICKERS, requests=1, **values)

    failed = one.refresh()
    assert failed.outcomes == {"BTC/USDT": outcome}
    assert failed.error is not None
    assert "<" not in failed.error
    assert one.outcomes() == {"BTC/USDT": PairOutcome.OK}


@pytest.mark.parametrize("kind", ["geo_blocked", "firewall"])
def test_an_only_host_that_blocks_this_address_rests_before_it_is_asked_again(
    bench: MakeBench, exchange: RunningSimulator, kind: str
) -> None:
    one = bench("BTC/USDT")
    one.refresh()
    exchange.faults.add(kind, path=TICKERS, requests=1)
    one.refresh()
    asked = exchange.requests.total

    report = one.refresh()
    assert report.outcomes == {"BTC/USDT": PairOutcome.BLOCKED}
    assert report.error is not None
    assert "<" not in report.error
    assert exchange.requests.total == asked
    assert 5 < one.aggregator.seconds_until_request() <= 10


def test_one_batch_that_fails_does_not_cost_the_others_their_cycle(
    bench: MakeBench, exchange: RunningSimulator
) -> None:
    thirty = bench(*simulated_pairs(30))
    thirty.refresh()
    exchange.faults.add("dropped", path=TICKERS, symbols=["SIM0001USDT"], requests=1)

    outcomes = thirty.outcomes()

    assert sorted(outcomes.values()) == [PairOutcome.OK] * 20 + [PairOutcome.UNAVAILABLE] * 10


@pytest.mark.parametrize("kind", ["latency", "slow_head", "slow_body"])
def test_the_cycles_deadline_holds_however_the_answer_drips(
    bench: MakeBench, exchange: RunningSimulator, kind: str
) -> None:
    # Each of these answers would take a minute and more.
    values = {"seconds": 60} if kind == "latency" else {"pause_seconds": 0.2}
    one = bench("BTC/USDT", MARKET_DATA_FETCH_INTERVAL_MS="2000")
    one.refresh()
    exchange.faults.add(kind, path=TICKERS, **values)

    report = one.refresh()

    assert report.outcomes == {"BTC/USDT": PairOutcome.TIMEOUT}
    assert report.duration_ms < 30_000


def test_a_host_that_fails_is_left_for_the_next_one_within_the_cycle(
    bench: MakeBench, exchange: RunningSimulator
) -> None:
    with RunningSimulator(symbols=20) as broken:
        broken.faults.add("status", status=503)
        two_hosts = bench(
            "BTC/USDT",
            BINANCE_API_BASE_URL=broken.base_url,
            BINANCE_API_FALLBACK_URLS=json.dumps([exchange.base_url]),
        )
        assert two_hosts.outcomes() == {"BTC/USDT": PairOutcome.OK}
        asked = broken.requests.total
        assert two_hosts.outcomes() == {"BTC/USDT": PairOutcome.OK}
        assert broken.requests.total == asked, "a host that failed rests"


@pytest.mark.parametrize(
    "fault", [("rate_limited", {"retry_after": "30"}), ("banned", {"seconds": 60, "retry_after": None})]
)
def test_after_a_429_or_418_no_host_of_the_exchange_is_asked(
    bench: MakeBench, exchange: RunningSimulator, fault: tuple[str, dict[str, object]]
) -> None:
    kind, values = fault
    with RunningSimulator(symbols=20) as second_host:
        two_hosts = bench("BTC/USDT", BINANCE_API_FALLBACK_URLS=json.dumps([second_host.base_url]))
        two_hosts.refresh()
        exchange.faults.add(kind, path=TICKERS, **values)
        two_hosts.refresh()
        asked = exchange.requests.total

        report = two_hosts.refresh()

        assert set(report.outcomes.values()) <= {PairOutcome.RATE_LIMITED, PairOutcome.BANNED}
        assert exchange.requests.total == asked
        assert second_host.requests.total == 0
        assert 25 < two_hosts.aggregator.seconds_until_request() <= 61, "the exchange tells its time in whole seconds"


def test_a_ban_is_remembered_by_the_next_fetcher(bench: MakeBench, exchange: RunningSimulator) -> None:
    first = bench("BTC/USDT")
    first.refresh()
    exchange.faults.add("banned", path=TICKERS, seconds=60)
    first.refresh()
    breaker, rate_limit, status = first.aggregator.status()
    assert status.banned_until is not None
    asked = exchange.requests.total

    second = bench("BTC/USDT")
    second.aggregator.restore(FetcherStatus(1, 1, 4000, FetchStats(), breaker, rate_limit, status, {}))

    assert second.outcomes() == {"BTC/USDT": PairOutcome.BANNED}
    assert exchange.requests.total == asked


def test_near_the_limit_of_request_weight_no_request_is_made(bench: MakeBench, exchange: RunningSimulator) -> None:
    one = bench("BTC/USDT")
    exchange.faults.add("used_weight", weight=5_900)
    one.refresh()
    asked = exchange.requests.total

    assert one.outcomes() == {"BTC/USDT": PairOutcome.RATE_LIMITED}
    assert exchange.requests.total == asked


def test_an_open_circuit_lets_nothing_through(bench: MakeBench, exchange: RunningSimulator) -> None:
    one = bench("BTC/USDT")
    one.refresh()
    exchange.faults.add("status", status=503, path=TICKERS)
    for _ in range(3):
        one.refresh()
    asked = exchange.requests.total

    assert one.outcomes() == {"BTC/USDT": PairOutcome.CIRCUIT_OPEN}
    assert exchange.requests.total == asked


def test_concurrent_callers_share_one_request_and_fresh_prices_cost_none(
    bench: MakeBench, exchange: RunningSimulator
) -> None:
    shared = bench("BTC/USDT")
    exchange.faults.add("latency", seconds=0.3, path=TICKERS)
    prices: list[Mapping[str, TickerRecord]] = []

    def ask() -> None:
        prices.append(shared.aggregator.get_market_data(["BTC/USDT"], max_age_ms=60_000).records)

    callers = [threading.Thread(target=ask) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert len(prices) == 8
    assert len({price["BTC/USDT"] for price in prices}) == 1
    assert exchange.requests.count(TICKERS) == 1
    shared.aggregator.get_market_data(["BTC/USDT"], max_age_ms=60_000)
    assert exchange.requests.count(TICKERS) == 1


def test_a_price_from_the_cache_keeps_its_instant(bench: MakeBench, exchange: RunningSimulator) -> None:
    first, second = bench("BTC/USDT"), bench("BTC/USDT")
    fetched = first.aggregator.get_market_data(["BTC/USDT"], max_age_ms=60_000).records["BTC/USDT"]

    found = second.aggregator.get_market_data(["BTC/USDT"], max_age_ms=60_000).records["BTC/USDT"]

    assert found == fetched
    assert exchange.requests.count(TICKERS) == 1


def test_prices_of_the_simulator_are_marked_as_such(bench: MakeBench) -> None:
    one = bench("BTC/USDT")
    one.refresh()

    assert one.cache.read([]).source.value == "simulator"

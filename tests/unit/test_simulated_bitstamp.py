"""Answers, errors and limits of simulated Bitstamp, without a wire."""

from decimal import Decimal
from typing import Any

import pytest

from exchange_simulator.answers import Answer
from exchange_simulator.bitstamp.exchange import REQUESTS_PER_SECOND, BitstampExchange
from exchange_simulator.bitstamp.markets import generate_market
from exchange_simulator.market import Market
from tests.unit.test_simulated_exchange_answers import START_MS, Clock, ask, content

DAY_MS = 86_400_000
TICKERS = "/api/v2/ticker/"
BTCUSD = "/api/v2/ticker/btcusd/"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchange(clock: Clock) -> BitstampExchange:
    return BitstampExchange(Market(generate_market(), started_at_ms=START_MS, seed=1), now_ms=clock)


def payload(exchange: BitstampExchange, path: str, query: str = "") -> Any:
    answer = ask(exchange, path, query)
    assert answer.status == 200
    return content(answer)


def by_pair(exchange: BitstampExchange) -> dict[str, dict[str, str]]:
    return {row["pair"]: row for row in payload(exchange, TICKERS)}


def test_the_list_of_all_names_each_market_and_a_single_ticker_names_none(exchange: BitstampExchange) -> None:
    row, single = by_pair(exchange)["BTC/USD"], payload(exchange, BTCUSD)
    assert list(row) == [
        "timestamp", "open", "high", "low", "last", "volume", "vwap", "bid", "ask", "side", "open_24",
        "percent_change_24", "market_type", "pair", "market",
    ]  # fmt: skip
    assert single == {key: value for key, value in row.items() if key not in ("pair", "market")}
    assert all(isinstance(value, str) for value in row.values())


def test_the_change_is_that_of_24_hours(exchange: BitstampExchange) -> None:
    row = by_pair(exchange)["ETH/USD"]
    change = (Decimal(row["last"]) / Decimal(row["open_24"]) - 1) * 100
    assert abs(Decimal(row["percent_change_24"]) - change) <= Decimal("0.005")
    assert len(row["percent_change_24"].partition(".")[2]) == 2


def test_the_price_of_24_hours_ago_is_the_price_that_there_was(exchange: BitstampExchange, clock: Clock) -> None:
    last = by_pair(exchange)["BTC/USD"]["last"]
    clock.now_ms += DAY_MS
    assert by_pair(exchange)["BTC/USD"]["open_24"] == last


def test_a_dead_market_has_a_last_price_and_nothing_else(exchange: BitstampExchange) -> None:
    row = by_pair(exchange)["DAI/USD"]
    assert (row["last"], row["percent_change_24"]) == ("1.20000", "")
    assert {Decimal(row[key]) for key in ("open", "high", "low", "volume", "vwap", "open_24")} == {0}


def test_perpetuals_stand_among_the_tickers_and_in_the_newer_list_alone(exchange: BitstampExchange) -> None:
    assert by_pair(exchange)["BTC/USD-PERP"]["market_type"] == "PERPETUAL"
    market = {row["name"]: row for row in payload(exchange, "/api/v2/markets/")}["BTC/USD-PERP"]
    assert (market["market_symbol"], market["base_currency"]) == ("btcusd-perp", "BTC")
    older = payload(exchange, "/api/v2/trading-pairs-info/")
    assert not [row for row in older if "PERP" in row["name"]]


def test_both_lists_tell_which_markets_may_be_traded(exchange: BitstampExchange) -> None:
    for place, key in (("markets", "market_symbol"), ("trading-pairs-info", "url_symbol")):
        trading = {row["name"]: row["trading"] for row in payload(exchange, f"/api/v2/{place}/")}
        assert (trading["BTC/USD"], trading["ETC/EUR"]) == ("Enabled", "Disabled")
        with exchange.faults.active("symbol_status", symbols=["BTC/USD"]):
            rows = {row[key]: row["trading"] for row in payload(exchange, f"/api/v2/{place}/")}
        assert rows["btcusd"] == "Disabled"


def test_an_unknown_market_is_answered_with_all_of_them_or_with_404(exchange: BitstampExchange) -> None:
    unknown = "/api/v2/ticker/nosuch/"
    assert payload(exchange, unknown) == payload(exchange, TICKERS)
    with exchange.faults.active("unknown_is_404"):
        assert ask(exchange, unknown).status == 404
        assert ask(exchange, BTCUSD).status == 200


def candles(exchange: BitstampExchange, query: str) -> list[dict[str, str]]:
    data = payload(exchange, "/api/v2/ohlc/btcusd/", query)["data"]
    assert data["pair"] == "BTC/USD"
    found: list[dict[str, str]] = data["ohlc"]
    return found


def test_candles_close_where_the_ticker_stood(exchange: BitstampExchange, clock: Clock) -> None:
    clock.now_ms += 300_000 - clock.now_ms % 300_000
    last = by_pair(exchange)["BTC/USD"]["last"]
    assert candles(exchange, "step=300&limit=288")[-2]["close"] == last
    assert len(candles(exchange, "step=300&limit=288")) == 288


def test_candles_may_begin_and_end_where_one_wants(exchange: BitstampExchange) -> None:
    start = START_MS // 1000 - 7200
    times = [int(row["timestamp"]) for row in candles(exchange, f"step=60&limit=3&start={start}")]
    assert times == list(range(start + -start % 60, start + -start % 60 + 180, 60))
    last = candles(exchange, f"step=60&limit=3&end={start}")[-1]
    assert int(last["timestamp"]) == start - start % 60


@pytest.mark.parametrize(
    "query", ["", "step=300", "limit=3", "step=7&limit=3", "step=300&limit=1001", "step=x&limit=3"]
)
def test_a_wrong_request_for_candles_is_refused(exchange: BitstampExchange, query: str) -> None:
    answer = ask(exchange, "/api/v2/ohlc/btcusd/", query)
    assert answer.status == 400
    assert content(answer)["status"] == "error"


def refusal(answer: Answer) -> tuple[int, str | None]:
    return answer.status, content(answer).get("response_code")


def test_beyond_400_requests_a_second_the_refusal_carries_its_code(exchange: BitstampExchange, clock: Clock) -> None:
    for _ in range(REQUESTS_PER_SECOND):
        assert ask(exchange, BTCUSD).status == 200
    assert refusal(ask(exchange, BTCUSD)) == (400, "400.002")
    clock.now_ms += 1_000
    assert ask(exchange, BTCUSD).status == 200


def test_a_refusal_may_have_another_status_and_code(exchange: BitstampExchange) -> None:
    with exchange.faults.active("rate_limited", status=429, code="400.067", retry_after="7"):
        answer = ask(exchange, TICKERS)
    assert refusal(answer) == (429, "400.067")
    assert answer.headers["Retry-After"] == "7"


def test_maintenance_is_a_text(exchange: BitstampExchange) -> None:
    with exchange.faults.active("maintenance"):
        answer = ask(exchange, TICKERS)
    assert answer.status == 503
    assert b"under scheduled maintenance" in answer.encoded()


def test_the_rows_tell_when_the_list_was_made(exchange: BitstampExchange, clock: Clock) -> None:
    made = by_pair(exchange)["BTC/USD"]
    clock.now_ms += 1_999
    assert by_pair(exchange)["BTC/USD"] == made
    clock.now_ms += 1
    assert int(by_pair(exchange)["BTC/USD"]["timestamp"]) == int(made["timestamp"]) + 2


def test_a_cache_that_hides_its_age_hides_it_in_the_rows_too(exchange: BitstampExchange, clock: Clock) -> None:
    made = by_pair(exchange)["BTC/USD"]
    clock.now_ms += 60_000
    with exchange.faults.active("stale_cache", seconds=300):
        assert by_pair(exchange)["BTC/USD"] == made
        assert ask(exchange, TICKERS).headers["Age"] == "60"
    with exchange.faults.active("stale_cache", seconds=300, is_told=False):
        hidden = ask(exchange, TICKERS)
    row = content(hidden)[0]
    assert (row["last"], int(row["timestamp"])) == (made["last"], clock.now_ms // 1000)
    assert "Age" not in hidden.headers


def test_faults_of_rows_strike_the_markets_that_they_name(exchange: BitstampExchange) -> None:
    with exchange.faults.active("field_value", symbols=["BTC/USD"]):
        assert {row["last"] for row in payload(exchange, TICKERS) if row["pair"] == "BTC/USD"} == {"NaN"}
        assert payload(exchange, BTCUSD)["last"] == "NaN"
        assert payload(exchange, "/api/v2/ticker/ethusd/")["last"] != "NaN"
    with exchange.faults.active("repeated_rows", symbols=["BTC/USD"]):
        assert [row["pair"] for row in payload(exchange, TICKERS)][:3] == ["BTC/USD", "BTC/USD", "ETH/USD"]


@pytest.mark.parametrize("path", ["ticker", "ticker/", "/api/v2/ticker/"])
def test_a_fault_for_a_path_may_leave_out_the_slash_at_its_end(exchange: BitstampExchange, path: str) -> None:
    with exchange.faults.active("firewall", path=path):
        assert ask(exchange, TICKERS).status == 403
        assert ask(exchange, BTCUSD).status == 200
    assert exchange.requests.count(path) == 1


def test_there_is_nothing_elsewhere(exchange: BitstampExchange) -> None:
    for path in ("/api/v2/nothing/", "/api/v2/ohlc/", "/", "/api/v2/ohlc/nosuch/", "/api/v2/markets/btcusd/"):
        assert ask(exchange, path, "step=300&limit=3").status == 404

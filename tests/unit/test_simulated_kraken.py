"""Answers, errors and limits of simulated Kraken, without a wire."""

import json
from decimal import Decimal
from typing import Any

import pytest

from exchange_simulator.kraken.endpoints import ASSET_PAIRS, OHLC, SYSTEM_STATUS, TICKER, TIME
from exchange_simulator.kraken.exchange import BURST, KrakenExchange
from exchange_simulator.kraken.markets import generate_market
from exchange_simulator.market import Market
from tests.unit.test_simulated_exchange_answers import START_MS, Clock, ask, content

DAY_MS = 86_400_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchange(clock: Clock) -> KrakenExchange:
    return KrakenExchange(Market(generate_market(), started_at_ms=START_MS, seed=1), now_ms=clock)


def result(exchange: KrakenExchange, path: str, query: str = "") -> Any:
    """Return the result of an answer without errors; what was counted against the limit is forgotten."""
    exchange.reset_limits()
    answer = ask(exchange, path, query)
    assert (answer.status, content(answer)["error"]) == (200, [])
    return content(answer)["result"]


def errors(exchange: KrakenExchange, path: str, query: str = "") -> list[str]:
    answer = ask(exchange, path, query)
    assert answer.status == 200
    assert "result" not in content(answer)
    found: list[str] = content(answer)["error"]
    return found


@pytest.mark.parametrize(
    ("symbol", "key", "altname", "wsname"),
    [
        ("BTC/USD", "XXBTZUSD", "XBTUSD", "XBT/USD"),
        ("BTC/USDT", "XBTUSDT", "XBTUSDT", "XBT/USDT"),
        ("DOGE/USD", "XDGUSD", "XDGUSD", "XDG/USD"),
        ("DOGE/BTC", "XXDGXXBT", "XDGXBT", "XDG/XBT"),
        ("ETH/EUR", "XETHZEUR", "ETHEUR", "ETH/EUR"),
        ("USDT/USD", "USDTZUSD", "USDTUSD", "USDT/USD"),
        ("EUR/USD", "ZEURZUSD", "EURUSD", "EUR/USD"),
        ("SOL/USD", "SOLUSD", "SOLUSD", "SOL/USD"),
    ],
)
def test_a_market_has_four_names_and_answers_to_each(
    exchange: KrakenExchange, symbol: str, key: str, altname: str, wsname: str
) -> None:
    assert result(exchange, ASSET_PAIRS)[key]["wsname"] == wsname
    for name in (symbol, key, altname, wsname):
        assert list(result(exchange, TICKER, f"pair={name}")) == [key]
        assert list(result(exchange, TICKER, f"pair={name}&assetVersion=1")) == [symbol]


def test_the_asset_version_decides_how_base_and_quote_are_called(exchange: KrakenExchange) -> None:
    old, new = result(exchange, ASSET_PAIRS)["XDGUSD"], result(exchange, ASSET_PAIRS, "assetVersion=1")["DOGE/USD"]
    assert (old["base"], old["quote"], old["altname"]) == ("XXDG", "ZUSD", "XDGUSD")
    assert (new["base"], new["quote"], new["altname"]) == ("DOGE", "USD", "XDGUSD")


def test_a_ticker_has_the_digits_and_the_order_of_the_recordings(exchange: KrakenExchange, clock: Clock) -> None:
    clock.now_ms += 5_000
    row = result(exchange, TICKER, "assetVersion=1")["BTC/USD"]
    assert "".join(row) == "abcvptlho"
    for price in (row["a"][0], row["b"][0], row["c"][0], *row["p"], *row["l"], *row["h"], row["o"]):
        assert len(price.partition(".")[2]) == 5
    assert all(len(volume.partition(".")[2]) == 8 for volume in (row["c"][1], *row["v"]))
    assert row["a"][2] == f"{row['a'][1]}.000"
    low, last, high = Decimal(row["l"][1]), Decimal(row["c"][0]), Decimal(row["h"][1])
    assert low <= last <= high
    assert low <= Decimal(row["l"][0]) <= Decimal(row["h"][0]) <= high


def test_a_market_that_nobody_trades_is_listed_and_all_zeros(exchange: KrakenExchange) -> None:
    row = result(exchange, TICKER, "assetVersion=1")["CRV/EUR"]
    assert {Decimal(value) for key in "cvplh" for value in row[key]} == {0}
    assert (row["t"], Decimal(row["o"])) == ([0, 0], 0)
    assert result(exchange, ASSET_PAIRS, "assetVersion=1")["CRV/EUR"]["status"] == "online"


def test_dollars_euros_tether_and_bitcoin_are_quotes_and_one_market_may_not_be_traded(exchange: KrakenExchange) -> None:
    listed = result(exchange, ASSET_PAIRS, "assetVersion=1")
    assert {row["quote"] for row in listed.values()} >= {"USD", "EUR", "USDT", "BTC"}
    assert listed["LUNA/USD"]["status"] == "cancel_only"
    assert "ETH/USD:BTNL" in listed


def test_tokenised_stocks_are_listed_and_priced_for_those_alone_who_ask_for_their_class(
    exchange: KrakenExchange,
) -> None:
    assert not {"AAPLxUSD", "AAPLx/USD"} & {*result(exchange, ASSET_PAIRS), *result(exchange, TICKER)}
    stocks = result(exchange, ASSET_PAIRS, "aclass_base=tokenized_asset")
    assert {row["aclass_base"] for row in stocks.values()} == {"tokenized_asset"}
    assert errors(exchange, TICKER, "pair=AAPLxUSD") == ["EQuery:Unknown asset pair"]
    assert list(result(exchange, TICKER, "pair=AAPLxUSD&asset_class=tokenized_asset")) == ["AAPLxUSD"]


@pytest.mark.parametrize(
    ("path", "query", "error"),
    [
        (TICKER, "pair=NOSUCH", "EQuery:Unknown asset pair"),
        (TICKER, "pair=XBTUSD,NOSUCH", "EQuery:Unknown asset pair"),
        (ASSET_PAIRS, "pair=NOSUCH", "EQuery:Unknown asset pair"),
        (ASSET_PAIRS, "aclass_base=potato", "EGeneral:Invalid arguments"),
        (OHLC, "", "EGeneral:Invalid arguments"),
        (OHLC, "pair=NOSUCH", "EQuery:Unknown asset pair"),
        (OHLC, "pair=XBTUSD&interval=7", "EGeneral:Invalid arguments"),
        (OHLC, "pair=XBTUSD&since=yesterday", "EGeneral:Invalid arguments"),
    ],
)
def test_an_error_comes_with_status_200_and_without_a_result(
    exchange: KrakenExchange, path: str, query: str, error: str
) -> None:
    assert errors(exchange, path, query) == [error]


def test_a_blank_list_of_pairs_means_all(exchange: KrakenExchange) -> None:
    assert result(exchange, TICKER, "pair=") == result(exchange, TICKER)


def test_candles_reach_back_for_720_and_the_one_under_way(exchange: KrakenExchange, clock: Clock) -> None:
    clock.now_ms += 123_456
    answer = result(exchange, OHLC, "pair=XBTUSD&interval=5")
    rows = answer["XXBTZUSD"]
    assert len(rows) == 721
    assert [row[0] for row in rows] == list(range(rows[0][0], rows[-1][0] + 1, 300))
    assert rows[-1][0] <= clock.now_ms // 1000 < rows[-1][0] + 300
    assert answer["last"] == rows[-2][0]
    assert all(len(price.partition(".")[2]) == 1 for row in rows for price in row[1:6])
    assert all(isinstance(row[0], int) and isinstance(row[7], int) for row in rows)


def test_candles_after_the_last_one_seen_are_those_that_are_new(exchange: KrakenExchange, clock: Clock) -> None:
    last = result(exchange, OHLC, "pair=XBTUSD&interval=1")["last"]
    clock.now_ms += 180_000
    assert [row[0] - last for row in result(exchange, OHLC, f"pair=XBTUSD&interval=1&since={last}")["XXBTZUSD"]] == [
        60, 120, 180, 240,
    ]  # fmt: skip


@pytest.mark.parametrize("symbol", ["BTC/USD", "ADA/USD", "SIM0001/USD"])
def test_the_candle_that_ended_a_day_ago_closed_where_the_ticker_stood_then(
    exchange: KrakenExchange, clock: Clock, symbol: str
) -> None:
    clock.now_ms = then_ms = START_MS - START_MS % 300_000 + 600_000
    price_then = Decimal(result(exchange, TICKER, "assetVersion=1")[symbol]["c"][0])
    clock.now_ms += DAY_MS
    candles = result(exchange, OHLC, f"pair={symbol}&interval=5&assetVersion=1")[symbol]
    closes = {row[0] + 300: Decimal(row[4]) for row in candles}
    assert closes[then_ms // 1000] == price_then


def test_the_state_of_the_system_and_the_time_are_told(exchange: KrakenExchange, clock: Clock) -> None:
    assert result(exchange, SYSTEM_STATUS) == {"status": "online", "timestamp": "2023-11-14T22:13:20Z"}
    assert result(exchange, TIME) == {
        "unixtime": clock.now_ms // 1000,
        "rfc1123": "Tue, 14 Nov 23 22:13:20 +0000",
    }


def test_under_maintenance_the_status_tells_and_all_else_is_unavailable(exchange: KrakenExchange) -> None:
    with exchange.faults.active("system_status"):
        assert result(exchange, SYSTEM_STATUS)["status"] == "maintenance"
        assert errors(exchange, TICKER) == ["EService:Unavailable"]
    with exchange.faults.active("system_status", status="cancel_only"):
        assert result(exchange, SYSTEM_STATUS)["status"] == "cancel_only"
        assert result(exchange, TICKER)


def test_a_burst_is_allowed_then_one_request_a_second(exchange: KrakenExchange, clock: Clock) -> None:
    for _ in range(BURST):
        assert content(ask(exchange, TIME))["error"] == []
    assert errors(exchange, TIME) == ["EGeneral:Too many requests"]
    clock.now_ms += 10_000
    assert content(ask(exchange, TIME))["error"] == []


def test_who_goes_on_while_refused_is_refused_for_longer(exchange: KrakenExchange, clock: Clock) -> None:
    for _ in range(3 * BURST):
        ask(exchange, TIME)
    clock.now_ms += BURST * 1000
    assert errors(exchange, TIME) == ["EGeneral:Too many requests"]


def test_each_address_has_a_limit_of_its_own(exchange: KrakenExchange) -> None:
    for _ in range(2 * BURST):
        ask(exchange, TIME)
    answer = exchange.answer(*exchange.receive(TIME, "", client="10.0.0.2"))
    assert content(answer)["error"] == []


def test_the_edge_cache_tells_its_age_and_when_the_answer_was_made(exchange: KrakenExchange, clock: Clock) -> None:
    first = ask(exchange, TICKER)
    clock.now_ms += 1_000
    second = ask(exchange, TICKER)
    clock.now_ms += 1_000
    third = ask(exchange, TICKER)
    assert first.encoded() == second.encoded() != third.encoded()
    assert "Age" not in first.headers
    assert second.headers["Age"] == "1"
    assert second.headers["Last-Modified"] == first.headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert third.headers["Last-Modified"] == third.headers["Date"]
    assert {answer.headers["Cache-Control"] for answer in (first, second, third)} == {"max-age=2, public"}


def test_an_error_may_come_with_a_result(exchange: KrakenExchange) -> None:
    with exchange.faults.active("error", errors=["EService:Busy"], with_result=True):
        answer = content(ask(exchange, TICKER, "pair=XBTUSD"))
    assert answer["error"] == ["EService:Busy"]
    assert list(answer["result"]) == ["XXBTZUSD"]


def test_a_fault_names_a_market_as_the_newer_names_do_whatever_the_request_calls_it(exchange: KrakenExchange) -> None:
    with exchange.faults.active("unknown_symbol", symbols=["BTC/USD"]):
        assert errors(exchange, TICKER, "pair=XXBTZUSD") == ["EQuery:Unknown asset pair"]
        assert "XXBTZUSD" not in result(exchange, TICKER)
    with exchange.faults.active("field_value", symbols=["BTC/USD"]):
        rows = result(exchange, TICKER, "pair=XBTUSD,ETHUSD")
    assert (rows["XXBTZUSD"]["c"], rows["XETHZUSD"]["c"][0] > "0") == (["NaN", "1.00000000"], True)


def test_a_renamed_market_is_known_by_its_new_names_alone(exchange: KrakenExchange) -> None:
    with exchange.faults.active("renamed_symbol", names={"MATIC/USD": "POL/USD", "BTC/USD": "NEW/USD"}):
        assert errors(exchange, TICKER, "pair=XBTUSD") == ["EQuery:Unknown asset pair"]
        assert list(result(exchange, TICKER, "pair=NEWUSD")) == ["NEWUSD"]
        listed = result(exchange, ASSET_PAIRS, "assetVersion=1")
    assert (listed["NEW/USD"]["wsname"], listed["NEW/USD"]["base"]) == ("NEW/USD", "NEW")
    assert "BTC/USD" not in listed


def test_a_halted_market_is_listed_as_such(exchange: KrakenExchange) -> None:
    with exchange.faults.active("symbol_status", symbols=["ETH/USD"], status="reduce_only"):
        assert result(exchange, ASSET_PAIRS)["XETHZUSD"]["status"] == "reduce_only"
        assert Decimal(result(exchange, TICKER)["XETHZUSD"]["b"][0]) == 0


def test_rows_can_be_reordered_left_out_and_added(exchange: KrakenExchange) -> None:
    usual = list(result(exchange, TICKER, "pair=XBTUSD,ETHUSD"))
    with exchange.faults.active("reversed_rows"):
        assert list(result(exchange, TICKER, "pair=XBTUSD,ETHUSD")) == usual[::-1]
    with exchange.faults.active("missing_rows", symbols=["ETH/USD"]):
        assert list(result(exchange, TICKER, "pair=XBTUSD,ETHUSD")) == ["XXBTZUSD"]
    with exchange.faults.active("extra_rows", extra=["SOL/USD"]):
        assert set(result(exchange, TICKER, "pair=XBTUSD")) == {"XXBTZUSD", "SOLUSD"}
    with exchange.faults.active("null_rows"):
        assert result(exchange, TICKER, "pair=XBTUSD") == {"XXBTZUSD": None}


def test_there_is_nothing_elsewhere(exchange: KrakenExchange) -> None:
    assert ask(exchange, "/0/public/Nothing").status == 404
    assert ask(exchange, TICKER, method="POST").status == 405


def test_an_answer_is_compact_json(exchange: KrakenExchange) -> None:
    body = ask(exchange, TICKER).encoded()
    assert body.startswith(b'{"error":[],"result":{"')
    assert json.loads(body)

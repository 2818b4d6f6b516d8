"""Answers, error codes and request weights of the simulated exchange, without a wire."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from exchange_simulator.answers import Answer
from exchange_simulator.binance.exchange import BinanceExchange as SimulatedExchange
from exchange_simulator.binance.markets import generate_market
from exchange_simulator.binance.weights import EXCHANGE_INFO, PING, TICKER_24HR, TIME, request_weight
from exchange_simulator.market import Market

START_MS = 1_700_000_000_000


class Clock:
    def __init__(self) -> None:
        self.now_ms = START_MS

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exchange(clock: Clock) -> SimulatedExchange:
    market = Market(generate_market(symbol_count=200), started_at_ms=START_MS, seed=1)
    return SimulatedExchange(market, now_ms=clock)


def ask(exchange: SimulatedExchange, path: str, query: str = "", method: str = "GET") -> Answer:
    return exchange.answer(*exchange.receive(path, query, method=method))


def content(answer: Answer) -> Any:
    return json.loads(answer.encoded())


def symbols_query(*symbols: str, **others: str) -> str:
    names = json.dumps(list(symbols), separators=(",", ":"), ensure_ascii=False)
    return urlencode({"symbols": names, **others})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (urlencode({"symbols": '["BTCUSDT", "ETHUSDT"]'}), -1100),
        ('symbols=["BTCUSDT","ETHUSDT" ]', -1100),
        (symbols_query("btcusdt"), -1100),
        (symbols_query("BTC/USDT"), -1100),
        (symbols_query("A" * 51), -1100),
        ('symbols=["BTCUSDT"', -1100),
        ("symbols=BTCUSDT", -1100),
        (urlencode({"symbols": json.dumps(["币安人生USDT"])}), -1100),
        ('symbols=["BTCUSDT"]&symbols=["ETHUSDT"]', -1100),
        ("symbol=btcusdt", -1100),
        ("symbol=BTC%20USDT", -1100),
        ("symbols=%FF", -1100),
        ("symbol=BTCUSDT&symbol=ETHUSDT", -1101),
        ("symbols=[]", -1102),
        ("symbol=BTCUSDT&colour=red", -1104),
        ("symbol=", -1105),
        ("symbols=", -1105),
        ("symbol=NOSUCHUSDT", -1121),
        (symbols_query("BTCUSDT", "NOSUCHUSDT"), -1121),
        ("symbol=BTCUSDT&symbolStatus=ASLEEP", -1122),
        ('symbol=BTCUSDT&symbols=["ETHUSDT"]', -1128),
        ("symbol=BTCUSDT&type=TINY", -1139),
        (symbols_query("BTCUSDT", "ETHUSDT", "BTCUSDT"), -1151),
        ("symbol=XMRUSDT&symbolStatus=TRADING", -1220),
    ],
)
def test_a_wrong_request_for_tickers_gets_the_code_that_the_exchange_gives(
    exchange: SimulatedExchange, query: str, code: int
) -> None:
    answer = ask(exchange, TICKER_24HR, query)
    assert answer.status == 400
    assert content(answer)["code"] == code
    assert set(content(answer)) == {"code", "msg"}


def test_one_unknown_name_fails_a_batch_without_being_named(exchange: SimulatedExchange) -> None:
    answer = ask(exchange, TICKER_24HR, symbols_query("BTCUSDT", "NOSUCHUSDT"))
    assert content(answer) == {"code": -1121, "msg": "Invalid symbol."}


def test_one_symbol_is_answered_with_an_object_and_a_list_with_an_array(exchange: SimulatedExchange) -> None:
    assert content(ask(exchange, TICKER_24HR, "symbol=BTCUSDT"))["symbol"] == "BTCUSDT"
    assert [row["symbol"] for row in content(ask(exchange, TICKER_24HR, symbols_query("BTCUSDT")))] == ["BTCUSDT"]
    assert len(content(ask(exchange, TICKER_24HR))) == 200


@pytest.mark.parametrize("query", [symbols_query("BTCUSDT", "币安人生USDT"), 'symbols=["BTCUSDT"%2C"币安人生USDT"]'])
def test_names_that_are_not_ascii_come_raw(exchange: SimulatedExchange, query: str) -> None:
    answer = ask(exchange, TICKER_24HR, query)
    assert [row["symbol"] for row in content(answer)] == ["BTCUSDT", "币安人生USDT"]
    assert "币安人生USDT".encode() in answer.encoded()


def test_a_status_leaves_rows_of_a_list_out_without_a_word(exchange: SimulatedExchange) -> None:
    symbols = ("BTCUSDT", "XMRUSDT")
    trading = content(ask(exchange, TICKER_24HR, symbols_query(*symbols, symbolStatus="TRADING")))
    assert [row["symbol"] for row in trading] == ["BTCUSDT"]
    nothing = ask(exchange, TICKER_24HR, symbols_query("BTCUSDT", symbolStatus="HALT"))
    assert (nothing.status, content(nothing)) == (200, [])


def test_mini_rows_are_given_on_request(exchange: SimulatedExchange) -> None:
    assert "bidPrice" not in content(ask(exchange, TICKER_24HR, "symbol=BTCUSDT&type=MINI"))


def test_ping_and_time(exchange: SimulatedExchange, clock: Clock) -> None:
    assert content(ask(exchange, PING)) == {}
    assert content(ask(exchange, TIME)) == {"serverTime": clock.now_ms}


def test_an_unknown_path_is_404_and_another_method_405(exchange: SimulatedExchange) -> None:
    assert ask(exchange, "/api/v3/nothing").status == 404
    assert ask(exchange, TICKER_24HR, method="POST").status == 405


def test_a_url_for_too_many_names_is_answered_with_something_that_is_no_json(exchange: SimulatedExchange) -> None:
    answer = ask(exchange, TICKER_24HR, symbols_query(*(f"SIM{number:04d}USDT" for number in range(1500))))
    assert answer.status == 414
    assert answer.encoded().startswith(b"<html>")


def listed(exchange: SimulatedExchange, query: str = "") -> list[dict[str, Any]]:
    answer = content(ask(exchange, EXCHANGE_INFO, query))
    symbols: list[dict[str, Any]] = answer["symbols"]
    return symbols


def test_exchange_info_names_base_quote_and_status_of_every_symbol(exchange: SimulatedExchange) -> None:
    by_symbol = {row["symbol"]: row for row in listed(exchange)}
    assert len(by_symbol) == 200
    assert (by_symbol["TUSDT"]["baseAsset"], by_symbol["TUSDT"]["quoteAsset"]) == ("T", "USDT")
    assert {row["status"] for row in by_symbol.values()} == {"TRADING", "BREAK", "HALT"}


def test_exchange_info_is_filtered_by_symbols_status_and_permissions(exchange: SimulatedExchange) -> None:
    assert [row["symbol"] for row in listed(exchange, "symbol=ETHUSDT")] == ["ETHUSDT"]
    assert {row["symbol"] for row in listed(exchange, symbols_query("ETHUSDT", "BTCUSDT"))} == {
        "BTCUSDT",
        "ETHUSDT",
    }
    assert {row["status"] for row in listed(exchange, "symbolStatus=BREAK")} == {"BREAK"}
    assert listed(exchange, "permissions=MARGIN") == []
    assert len(listed(exchange, "permissions=" + quote('["SPOT","MARGIN"]'))) == 200
    short = listed(exchange, "permissions=SPOT&symbolStatus=TRADING&showPermissionSets=false")
    assert all(row["permissionSets"] == [] for row in short)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=NOSUCH", -1121),
        ("symbolStatus=ASLEEP", -1122),
        ("symbol=BTCUSDT&permissions=SPOT", -1128),
        ("showPermissionSets=perhaps", -1100),
        ("permissions=%5B%5D", -1100),
    ],
)
def test_a_wrong_request_for_exchange_info_gets_its_code(exchange: SimulatedExchange, query: str, code: int) -> None:
    assert content(ask(exchange, EXCHANGE_INFO, query))["code"] == code


@pytest.mark.parametrize(
    ("path", "symbol_count", "weight"),
    [
        (TICKER_24HR, 1, 2),
        (TICKER_24HR, 20, 2),
        (TICKER_24HR, 21, 40),
        (TICKER_24HR, 100, 40),
        (TICKER_24HR, 101, 80),
        (TICKER_24HR, None, 80),
        (EXCHANGE_INFO, None, 20),
        (EXCHANGE_INFO, 1, 20),
        (PING, None, 1),
        (TIME, None, 1),
    ],
)
def test_what_a_request_weighs(path: str, symbol_count: int | None, weight: int) -> None:
    assert request_weight(path, symbol_count) == weight


def used_weight(answer: Answer) -> int:
    return int(answer.headers["X-MBX-USED-WEIGHT-1M"])


def test_every_answer_carries_the_weight_used_this_minute(exchange: SimulatedExchange, clock: Clock) -> None:
    assert used_weight(ask(exchange, PING)) == 1
    assert used_weight(ask(exchange, TICKER_24HR, "symbol=NOSUCH")) == 3
    assert used_weight(ask(exchange, "/nothing")) == 4
    clock.now_ms += 60_000
    assert used_weight(ask(exchange, TICKER_24HR)) == 80


def test_every_answer_says_that_it_comes_from_the_simulator(exchange: SimulatedExchange) -> None:
    with exchange.faults.active("firewall"):
        assert ask(exchange, PING).headers["X-Market-Data-Source"] == "simulator"


def test_a_renamed_symbol_is_known_by_its_new_name_alone_and_its_market_goes_on(exchange: SimulatedExchange) -> None:
    count = len(content(ask(exchange, TICKER_24HR)))
    before = content(ask(exchange, TICKER_24HR, "symbol=BTCUSDT"))
    with exchange.faults.active("renamed_symbol", names={"BTCUSDT": "XBTUSDT"}):
        old_name = ask(exchange, TICKER_24HR, symbols_query("BTCUSDT", "ETHUSDT"))
        renamed = content(ask(exchange, TICKER_24HR, symbols_query("XBTUSDT", "ETHUSDT")))
        everything = content(ask(exchange, TICKER_24HR))
        listed = {row["symbol"]: row for row in content(ask(exchange, EXCHANGE_INFO))["symbols"]}
        one_listed = content(ask(exchange, EXCHANGE_INFO, "symbol=XBTUSDT"))["symbols"]
        trading = content(ask(exchange, TICKER_24HR, symbols_query("XBTUSDT", symbolStatus="TRADING")))

    assert content(old_name)["code"] == -1121
    assert renamed[0] == {**before, "symbol": "XBTUSDT"}
    assert len(everything) == count
    assert not {"BTCUSDT"} & {row["symbol"] for row in everything}
    assert "BTCUSDT" not in listed
    assert (listed["XBTUSDT"]["baseAsset"], listed["XBTUSDT"]["quoteAsset"]) == ("XBT", "USDT")
    assert [row["symbol"] for row in one_listed] == [row["symbol"] for row in trading] == ["XBTUSDT"]
    assert content(ask(exchange, TICKER_24HR, "symbol=BTCUSDT"))["symbol"] == "BTCUSDT"


def test_two_symbols_may_take_each_other_s_names_and_one_that_of_a_third(exchange: SimulatedExchange) -> None:
    prices = {row["symbol"]: row["lastPrice"] for row in content(ask(exchange, TICKER_24HR))}
    with exchange.faults.active("renamed_symbol", names={"BTCUSDT": "ETHUSDT", "ETHUSDT": "BTCUSDT"}):
        swapped = {row["symbol"]: row["lastPrice"] for row in content(ask(exchange, TICKER_24HR))}
    with exchange.faults.active("renamed_symbol", names={"BTCUSDT": "ETHUSDT"}):
        taken = [row["symbol"] for row in content(ask(exchange, TICKER_24HR))]

    assert (swapped["BTCUSDT"], swapped["ETHUSDT"]) == (prices["ETHUSDT"], prices["BTCUSDT"])
    assert len(swapped) == len(prices)
    assert "BTCUSDT" not in taken
    assert taken.count("ETHUSDT") == 1


def test_a_redirect_leads_to_the_address_that_was_asked_or_to_the_one_given(exchange: SimulatedExchange) -> None:
    with exchange.faults.active("redirect"):
        to_itself = ask(exchange, TICKER_24HR, "symbol=BTCUSDT")
    with exchange.faults.active("redirect", status=307, location="https://elsewhere.test/"):
        elsewhere = ask(exchange, PING)

    assert (to_itself.status, to_itself.headers["Location"]) == (302, f"{TICKER_24HR}?symbol=BTCUSDT")
    assert (elsewhere.status, elsewhere.headers["Location"]) == (307, "https://elsewhere.test/")


def refused_at(clock: Clock, weight_limit: int = 100) -> SimulatedExchange:
    market = Market(generate_market(symbol_count=10), started_at_ms=START_MS, seed=1)
    exchange = SimulatedExchange(market, now_ms=clock, weight_limit=weight_limit)
    ask(exchange, TICKER_24HR)
    return exchange


def test_beyond_the_limit_comes_429_until_the_minute_ends(clock: Clock) -> None:
    exchange = refused_at(clock)
    answer = ask(exchange, TICKER_24HR)
    left_seconds = 60 - clock.now_ms // 1000 % 60
    assert answer.status == 429
    assert content(answer)["code"] == -1003
    assert int(answer.headers["Retry-After"]) == left_seconds
    clock.now_ms += left_seconds * 1000
    assert ask(exchange, TICKER_24HR).status == 200


def test_going_on_after_429_is_banned_and_the_ban_names_its_end(clock: Clock) -> None:
    exchange = refused_at(clock)
    statuses = [ask(exchange, TICKER_24HR).status for _ in range(10)]
    banned = ask(exchange, PING)
    assert statuses == [429] * 10
    assert banned.status == 418
    assert content(banned)["msg"].endswith(f"IP banned until {clock.now_ms + 120_000}.")
    assert banned.headers["Retry-After"] == "120"
    clock.now_ms += 119_999
    assert ask(exchange, PING).status == 418
    clock.now_ms += 1
    assert ask(exchange, PING).status == 200


def test_a_second_ban_lasts_longer(clock: Clock) -> None:
    exchange = refused_at(clock)
    for seconds in (120, 240):
        answer = [ask(exchange, TICKER_24HR) for _ in range(12)][-1]
        assert answer.headers["Retry-After"] == str(seconds)
        clock.now_ms += seconds * 1000


def test_exchange_info_names_the_limit_in_force(clock: Clock) -> None:
    exchange = refused_at(clock, weight_limit=1200)
    limits = content(ask(exchange, EXCHANGE_INFO))["rateLimits"]
    assert [row["limit"] for row in limits if row["rateLimitType"] == "REQUEST_WEIGHT"] == [1200]


def test_the_weight_count_can_be_reset(clock: Clock) -> None:
    exchange = refused_at(clock, weight_limit=80)
    assert ask(exchange, TICKER_24HR).status == 429
    exchange.weights.reset()
    assert ask(exchange, TICKER_24HR).status == 200

"""What Binance's answers mean for the symbols that were asked for."""

import json

import pytest

from market_data.exchanges.binance.exchange import Binance
from market_data.exchanges.errors import MalformedAnswerError, NoTickersError, RefusedSymbolsError
from market_data.exchanges.protocol import Request
from market_data.exchanges.response import HttpResponse
from tests.fakes import HOST, listed, row

BINANCE = Binance()
UNKNOWN_SYMBOL = {"code": -1121, "msg": "Invalid symbol."}


def response(content, status=200, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(HOST, status, names, json.dumps(content).encode(), 0)


def batch(*symbols):
    (request,) = BINANCE.ticker_requests(symbols, batch_size=20, is_suspect=lambda symbol: False, may_ask_for_all=False)
    return request


def whole_market(count, batch_size=10):
    (request,) = BINANCE.ticker_requests(
        names(count), batch_size=batch_size, is_suspect=lambda symbol: False, may_ask_for_all=True
    )
    assert request.stands_for_batches
    return request


def names(count):
    return [f"A{number}USDT" for number in range(count)]


def symbols_of(requests):
    return [request.symbols for request in requests]


def test_a_batch_brings_its_rows_and_a_missing_one_is_absent():
    answer = BINANCE.read_tickers(batch("BTCUSDT", "ETHUSDT"), response([row("ETHUSDT"), row("XYZUSDT")]))

    assert list(answer.rows) == ["ETHUSDT"]
    assert (answer.refused, answer.again) == ((), ())


def test_an_answer_with_none_of_several_tickers_is_the_host_s_fault():
    with pytest.raises(NoTickersError, match=r"exchange\.test"):
        BINANCE.read_tickers(batch("BTCUSDT", "ETHUSDT"), response([]))


def test_an_answer_without_the_only_ticker_may_be_the_symbol_s_fault():
    assert BINANCE.read_tickers(batch("BTCUSDT"), response([])).rows == {}


def test_a_batch_that_is_refused_is_asked_for_in_halves_until_the_unknown_symbol_stands_alone():
    answer = BINANCE.read_tickers(batch("A", "B", "C"), response(UNKNOWN_SYMBOL, 400))
    assert (answer.rows, answer.refused, symbols_of(answer.again)) == ({}, (), [("A",), ("B", "C")])

    alone = BINANCE.read_tickers(batch("A"), response(UNKNOWN_SYMBOL, 400))
    assert (alone.rows, alone.refused, alone.again) == ({}, ("A",), ())


def test_a_few_symbols_that_a_whole_market_lacks_are_asked_for_alone_by_name():
    answer = BINANCE.read_tickers(whole_market(450), response([row(name) for name in names(447)]))

    assert len(answer.rows) == 447
    assert symbols_of(answer.again) == [("A447USDT",), ("A448USDT",), ("A449USDT",)]


@pytest.mark.parametrize("batch_size", [10, 5])
def test_many_symbols_that_a_whole_market_lacks_are_asked_for_in_batches_of_the_configured_size(batch_size):
    answer = BINANCE.read_tickers(whole_market(450, batch_size), response([row(name) for name in names(420)]))

    assert [len(symbols) for symbols in symbols_of(answer.again)] == [batch_size] * (30 // batch_size)


@pytest.mark.parametrize(
    ("content", "status", "kind"),
    [
        ([], 200, NoTickersError),
        ([row("XYZUSDT")], 200, NoTickersError),
        ({}, 200, MalformedAnswerError),
        (UNKNOWN_SYMBOL, 400, RefusedSymbolsError),
    ],
)
def test_a_whole_market_with_nothing_in_it_is_a_bad_answer(content, status, kind):
    with pytest.raises(kind) as error:
        BINANCE.read_tickers(whole_market(450), response(content, status))

    assert error.value.is_bad_answer


def test_a_status_of_a_symbol_that_is_not_known_is_refused():
    with pytest.raises(RefusedSymbolsError):
        BINANCE.read_list(response(UNKNOWN_SYMBOL, 400))
    (symbol,) = BINANCE.read_list(response({"symbols": [listed("BTCUSDT", "BTC", "USDT")]})).symbols
    assert (symbol.symbol, symbol.base_asset, symbol.quote_asset) == ("BTCUSDT", "BTC", "USDT")


@pytest.mark.parametrize(("text", "weight"), [("1234", 1234), ("0", 0), ("", None), ("-1", None), ("many", None)])
def test_the_used_weight_is_read_where_it_is_a_number(text, weight):
    assert BINANCE.used_weight(response([], x_mbx_used_weight_1m=text)) == weight
    assert BINANCE.used_weight(response([])) is None


def test_requests_that_are_equal_are_one_and_the_same():
    assert {batch("A"), batch("A")} == {Request("/api/v3/ticker/24hr?symbols=%5B%22A%22%5D", 2, ("A",))}

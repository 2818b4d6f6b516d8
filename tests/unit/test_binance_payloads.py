"""From Binance's bytes to rows, lists of symbols and errors, and what a row tells of its market."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.exchanges.binance.payloads import decode_error, decode_exchange_info, decode_tickers
from market_data.exchanges.errors import MalformedAnswerError
from market_data.exchanges.protocol import RowState
from market_data.exchanges.response import HttpResponse
from tests.fakes import HOST, listed, row

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


class Everything:
    """Contains whatever it is asked for."""

    def __contains__(self, symbol):
        return True


def response(body):
    return HttpResponse(HOST, 200, {}, body, 0)


def rows_of(body, wanted=Everything()):  # noqa: B008 - it has no state
    return decode_tickers(response(body), wanted)


def decoded(*rows):
    return rows_of(json.dumps(rows, ensure_ascii=False).encode())


def list_of(content):
    return decode_exchange_info(response(json.dumps(content).encode()))


def test_rows_are_found_by_symbol_whatever_their_order():
    rows = decoded(row("ETHUSDT", lastPrice="2.0"), row("币安人生USDT", lastPrice="0.1"))

    assert rows["ETHUSDT"].price == "2.0"
    assert rows["币安人生USDT"].price == "0.1"


def test_a_row_that_is_not_as_documented_does_not_cost_the_others_their_prices():
    rows = decoded(row("BTCUSDT", lastPrice=43250.1), 17, {"lastPrice": "1"}, row("ETHUSDT"))

    assert rows["BTCUSDT"] is None
    assert rows["ETHUSDT"] is not None


def test_a_broken_second_row_of_a_symbol_does_not_replace_the_good_first():
    rows = decoded(row("BTCUSDT", lastPrice="1.5"), {"symbol": "BTCUSDT"})

    assert rows["BTCUSDT"].price == "1.5"


def test_of_a_whole_market_only_the_wanted_rows_are_kept_and_an_odd_one_costs_no_other():
    rows = [row("BTCUSDT", lastPrice="1.5"), row("ETHUSDT"), row("BNBUSDT")]
    for odd in ([], [17], [row("XYZUSDT", lastPrice=None)]):
        found = rows_of(json.dumps([*rows, *odd]).encode(), {"BTCUSDT", "BNBUSDT", "GONEUSDT"})
        assert {name: found[name].symbol for name in found} == {"BTCUSDT": "BTCUSDT", "BNBUSDT": "BNBUSDT"}


@given(st.lists(st.builds(row, st.sampled_from("ABC"), lastPrice=st.sampled_from(["1.5", "2.5", "NaN"]))))
def test_rows_mean_the_same_whether_or_not_an_odd_one_makes_them_be_read_one_by_one(rows):
    assert decoded(*rows) == decoded(*rows, 17)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"<html>", b"[{", b'{"symbol":"BTCUSDT"}', b"[" * 100_000])
def test_an_answer_that_is_no_list_is_malformed(body):
    with pytest.raises(MalformedAnswerError, match=r"exchange\.test: the answer is not a list of tickers"):
        rows_of(body)


@given(st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_body_holds_it_is_decoded_or_malformed_and_nothing_else(body):
    with suppress(MalformedAnswerError):
        rows_of(body)
    with suppress(MalformedAnswerError):
        decode_exchange_info(response(body))
    code, message = decode_error(body)
    assert code is None or isinstance(code, int)
    assert isinstance(message, str)


def test_the_list_of_symbols_brings_the_weight_limit_of_a_minute_among_other_limits():
    limits = [
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61},
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    ]
    symbols = [listed("BTCUSDT", "BTC", "USDT"), listed("OLDUSDT", "OLD", "USDT", "BREAK")]
    info = list_of({"symbols": symbols, "rateLimits": limits})

    assert info.weight_limit == 1200
    assert [symbol.is_trading for symbol in info.symbols] == [True, False]


@pytest.mark.parametrize("status", ["BREAK", "HALT", "END_OF_DAY", "CANCEL_ONLY"])
def test_whatever_is_not_called_trading_does_not_trade(status):
    (symbol,) = list_of({"symbols": [listed("OLDUSDT", "OLD", "USDT", status)]}).symbols

    assert not symbol.is_trading


def test_an_empty_list_of_symbols_is_no_list():
    with pytest.raises(MalformedAnswerError):
        list_of({"symbols": []})


def test_an_error_body_that_is_not_the_exchange_s_json_has_no_code_and_no_text():
    assert decode_error(b'{"code":-1121,"msg":"Invalid symbol."}') == (-1121, "Invalid symbol.")
    assert decode_error(b"<html>502</html>") == (None, "")


@pytest.mark.parametrize(
    ("bid", "ask", "state"),
    [
        ("0.00000000", "0.00000000", RowState.DOUBTFUL),
        ("0.0", "1.0", RowState.LIVE),
        ("1.0", "0.0", RowState.LIVE),
        (None, None, RowState.LIVE),
    ],
)
def test_a_row_is_doubtful_where_nobody_bids_and_nobody_asks(bid, ask, state):
    assert decoded(row("BTCUSDT", bidPrice=bid, askPrice=ask))["BTCUSDT"].state is state


def test_the_zero_row_of_a_delisted_symbol_is_dead():
    zeros = dict.fromkeys(("lastPrice", "highPrice", "lowPrice", "volume", "bidPrice", "askPrice"), "0.00000000")

    assert decoded(row("OLDUSDT", **zeros, firstId=-1))["OLDUSDT"].state is RowState.DEAD

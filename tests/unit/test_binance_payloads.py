"""From the exchange's bytes to figures: decoding of rows, lists and errors, and what makes a row a live price."""

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.aggregator.sanity import Quote, assess_row, has_empty_book
from market_data.exchanges.binance.payloads import decode_error, decode_exchange_info, decode_tickers
from market_data.exchanges.errors import MalformedAnswerError
from market_data.ticker.outcome import PairOutcome
from tests.fakes import UNIX_TIME_AT_START_MS as NOW_MS
from tests.fakes import listed, row

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


def decoded(*rows):
    return decode_tickers(json.dumps(rows, ensure_ascii=False).encode())


def assessed(now_ms=NOW_MS, **changes):
    return assess_row(decoded(row("BTCUSDT", **changes))["BTCUSDT"], now_ms)


def test_rows_are_found_by_symbol_whatever_their_order():
    rows = decoded(row("ETHUSDT", lastPrice="2.0"), row("币安人生USDT", lastPrice="0.1"))

    assert rows["ETHUSDT"].last_price == "2.0"
    assert rows["币安人生USDT"].last_price == "0.1"


def test_a_row_that_is_not_as_documented_does_not_cost_the_others_their_prices():
    rows = decoded(row("BTCUSDT", lastPrice=43250.1), 17, {"lastPrice": "1"}, row("ETHUSDT"))

    assert rows["BTCUSDT"] is None
    assert rows["ETHUSDT"] is not None


def test_a_broken_second_row_of_a_symbol_does_not_replace_the_good_first():
    rows = decoded(row("BTCUSDT", lastPrice="1.5"), {"symbol": "BTCUSDT"})

    assert rows["BTCUSDT"].last_price == "1.5"


def test_of_a_whole_market_only_the_wanted_rows_are_kept_and_an_odd_one_costs_no_other():
    rows = [row("BTCUSDT", lastPrice="1.5"), row("ETHUSDT"), row("BNBUSDT")]
    for odd in ([], [17], [row("XYZUSDT", lastPrice=None)]):
        found = decode_tickers(json.dumps([*rows, *odd]).encode(), {"BTCUSDT", "BNBUSDT", "GONEUSDT"})
        assert {name: found[name].symbol for name in found} == {"BTCUSDT": "BTCUSDT", "BNBUSDT": "BNBUSDT"}


@given(st.lists(st.builds(row, st.sampled_from("ABC"), lastPrice=st.sampled_from(["1.5", "2.5", "NaN"]))))
def test_rows_mean_the_same_whether_or_not_an_odd_one_makes_them_be_read_one_by_one(rows):
    assert decoded(*rows) == decoded(*rows, 17)


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"<html>", b"[{", b'{"symbol":"BTCUSDT"}', b"[" * 100_000])
def test_an_answer_that_is_no_list_is_malformed(body):
    with pytest.raises(MalformedAnswerError):
        decode_tickers(body)


@given(st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_whatever_a_body_holds_it_is_decoded_or_malformed_and_nothing_else(body):
    for decode in (decode_tickers, decode_exchange_info):
        with suppress(MalformedAnswerError):
            decode(body)
    code, message = decode_error(body)
    assert code is None or isinstance(code, int)
    assert isinstance(message, str)


def test_the_list_of_symbols_brings_the_weight_limit_of_a_minute_among_other_limits():
    limits = [
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61},
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
    ]
    symbols = [listed("BTCUSDT", "BTC", "USDT"), listed("OLDUSDT", "OLD", "USDT", "BREAK")]
    info = decode_exchange_info(json.dumps({"symbols": symbols, "rateLimits": limits}).encode())

    assert info.weight_limit == 1200
    assert [symbol.is_trading for symbol in info.symbols] == [True, False]


def test_an_empty_list_of_symbols_is_no_list():
    with pytest.raises(MalformedAnswerError):
        decode_exchange_info(b'{"symbols":[]}')


def test_an_error_body_that_is_not_the_exchange_s_json_has_no_code_and_no_text():
    assert decode_error(b'{"code":-1121,"msg":"Invalid symbol."}') == (-1121, "Invalid symbol.")
    assert decode_error(b"<html>502</html>") == (None, "")


def test_a_live_row_keeps_the_exchange_s_digits():
    quote = assessed(
        lastPrice="0.00001230", highPrice="1082448588.00", lowPrice="0.00000001", priceChangePercent="-2.500"
    )

    assert isinstance(quote, Quote)
    assert (str(quote.price), f"{quote.low_24h:f}", str(quote.change_24h_percent)) == (
        "0.00001230",
        "0.00000001",
        "-2.500",
    )
    assert quote.high_24h == Decimal(1082448588)


@pytest.mark.parametrize("field", ["lastPrice", "volume", "priceChangePercent", "highPrice", "lowPrice"])
@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400", "1_000", "9" * 400])
def test_a_number_that_is_no_plain_decimal_is_rejected(field, text):
    assert assessed(**{field: text}) is PairOutcome.REJECTED


@pytest.mark.parametrize("text", ["", "abc", "12,5", "0x10"])
def test_a_text_that_is_no_number_is_malformed(text):
    assert assessed(lastPrice=text) is PairOutcome.MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        {"lastPrice": "0.00000000"},
        {"lastPrice": "-1"},
        {"volume": "-1"},
        {"lowPrice": "5", "highPrice": "4"},
        {"lowPrice": "0.0"},
        {"closeTime": NOW_MS + 3_600_000},
    ],
)
def test_a_row_that_cannot_be_true_is_rejected(changes):
    assert assessed(**changes) is PairOutcome.REJECTED


def test_a_crash_of_the_price_is_no_reason_to_reject_it():
    assert isinstance(assessed(lastPrice="17300.00", lowPrice="17300.00", priceChangePercent="-60.000"), Quote)


def test_a_quiet_symbol_s_old_last_event_and_a_clock_ten_minutes_ahead_are_no_reason_either():
    assert isinstance(assessed(closeTime=NOW_MS - 31 * 60_000), Quote)
    assert isinstance(assessed(closeTime=NOW_MS + 10 * 60_000), Quote)


def test_the_zero_row_of_a_delisted_symbol_does_not_trade():
    zeros = dict.fromkeys(("lastPrice", "highPrice", "lowPrice", "volume", "bidPrice", "askPrice"), "0.00000000")

    assert assessed(**zeros, firstId=-1) is PairOutcome.NOT_TRADING


@pytest.mark.parametrize(
    ("bid", "ask", "is_empty"),
    [("0.00000000", "0.00000000", True), ("0.0", "1.0", False), ("1.0", "0.0", False), (None, None, False)],
)
def test_a_book_is_empty_where_nobody_bids_and_nobody_asks(bid, ask, is_empty):
    assert has_empty_book(decoded(row("BTCUSDT", bidPrice=bid, askPrice=ask))["BTCUSDT"]) is is_empty

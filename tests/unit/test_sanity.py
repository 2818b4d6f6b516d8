"""What makes a row of an exchange a live price, whichever exchange it is."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from market_data.aggregator.sanity import Quote, assess_row
from market_data.exchanges.protocol import RowState
from market_data.ticker.outcome import PairOutcome
from tests.fakes import UNIX_TIME_AT_START_MS as NOW_MS


@dataclass
class Row:
    """A `TickerRow` of no exchange in particular."""

    symbol: str = "BTCUSDT"
    price: str = "43250.10000000"
    volume: str = "28500.50000000"
    change_24h_percent: str = "2.500"
    high_24h: str = "43500.00000000"
    low_24h: str = "42900.00000000"
    exchange_time_ms: int | None = NOW_MS - 5000
    state: RowState = RowState.LIVE


def assessed(**changes):
    return assess_row(Row(**changes), NOW_MS)


def test_a_live_row_keeps_the_exchange_s_digits():
    quote = assessed(price="0.00001230", high_24h="1082448588.00", low_24h="0.00000001", change_24h_percent="-2.500")

    assert isinstance(quote, Quote)
    assert (str(quote.price), f"{quote.low_24h:f}", str(quote.change_24h_percent)) == (
        "0.00001230",
        "0.00000001",
        "-2.500",
    )
    assert quote.high_24h == Decimal(1082448588)


@pytest.mark.parametrize("field", ["price", "volume", "change_24h_percent", "high_24h", "low_24h"])
@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400", "1_000", "9" * 400])
def test_a_number_that_is_no_plain_decimal_is_rejected(field, text):
    assert assessed(**{field: text}) is PairOutcome.REJECTED


@pytest.mark.parametrize("text", ["", "abc", "12,5", "0x10"])
def test_a_text_that_is_no_number_is_malformed(text):
    assert assessed(price=text) is PairOutcome.MALFORMED


@pytest.mark.parametrize(
    "changes",
    [
        {"price": "0.00000000"},
        {"price": "-1"},
        {"volume": "-1"},
        {"low_24h": "5", "high_24h": "4"},
        {"low_24h": "0.0"},
        {"exchange_time_ms": NOW_MS + 3_600_000},
    ],
)
def test_a_row_that_cannot_be_true_is_rejected(changes):
    assert assessed(**changes) is PairOutcome.REJECTED


def test_a_crash_of_the_price_is_no_reason_to_reject_it():
    assert isinstance(assessed(price="17300.00", low_24h="17300.00", change_24h_percent="-60.000"), Quote)


def test_an_exchange_that_tells_no_time_is_believed():
    assert isinstance(assessed(exchange_time_ms=None), Quote)


def test_a_quiet_symbol_s_old_last_event_and_a_clock_ten_minutes_ahead_are_no_reason_either():
    assert isinstance(assessed(exchange_time_ms=NOW_MS - 31 * 60_000), Quote)
    assert isinstance(assessed(exchange_time_ms=NOW_MS + 10 * 60_000), Quote)


def test_a_dead_row_does_not_trade_whatever_its_figures():
    assert assessed(state=RowState.DEAD) is PairOutcome.NOT_TRADING
    assert assessed(state=RowState.DEAD, price="0", high_24h="0", low_24h="0") is PairOutcome.NOT_TRADING

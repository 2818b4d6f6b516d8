import dataclasses
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.ticker.record import FIELDS, StoredTicker, TickerRecord, exact_decimal

DIGITS = st.from_regex(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,12})?", fullmatch=True)
PRICES = DIGITS.map(Decimal).filter(lambda price: price > 0)
RECORDS = st.builds(
    TickerRecord,
    pair=st.sampled_from(["BTC/USD", "币安人生/USDT", "1INCH/USDT"]),
    price=PRICES,
    volume=DIGITS.map(Decimal),
    received_at_ms=st.integers(0, 10**14),
    change_24h_percent=DIGITS.map(Decimal),
    high_24h=DIGITS.map(Decimal),
    low_24h=DIGITS.map(Decimal),
    exchange=st.sampled_from(["binance", "kraken", None]),
)
OF_ONE_EXCHANGE = TickerRecord(
    "BTC/USD", *map(Decimal, ("43250.00", "28500.5")), 1_634_567_890_123, *map(Decimal, "321")
)
"""As a version wrote it that knew one exchange."""
RECORD = dataclasses.replace(OF_ONE_EXCHANGE, exchange="kraken")
SEVEN = ["pair", "price", "volume", "timestamp", "change24h", "high24h", "low24h"]


@given(RECORDS)
def test_a_record_goes_to_the_cache_and_back_without_losing_a_digit(record):
    stored = StoredTicker.from_raw(record.pair, record.encode())

    assert stored.received_at_ms == record.received_at_ms
    decoded = stored.decode()
    assert decoded == record
    assert [str(decoded.price), str(decoded.low_24h)] == [f"{record.price:f}", f"{record.low_24h:f}"]


@given(st.from_regex(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", fullmatch=True))
def test_no_number_is_written_with_an_exponent_and_all_the_exchange_s_digits_are_kept(text):
    value = exact_decimal(text)
    raw = TickerRecord("A/B", value, value, 1, value, value, value).encode()

    written = json.loads(raw, parse_float=str, parse_int=str)["price"]
    assert "e" not in written.lower()
    assert Decimal(written) == Decimal(text)
    assert written.partition(".")[2] == text.partition(".")[2]


def test_a_record_has_exactly_the_fields_of_the_contract_and_plain_numbers():
    fields = json.loads(RECORD.encode(), parse_float=str)

    assert list(fields) == [*SEVEN, "exchange"] == [field.name for field in FIELDS.values()]
    assert (fields["price"], fields["timestamp"]) == ("43250.00", RECORD.received_at_ms)
    assert fields["exchange"] == "kraken"


def test_a_record_of_a_version_that_knew_one_exchange_is_read_and_names_none():
    raw = OF_ONE_EXCHANGE.encode()
    stored = StoredTicker.from_raw("BTC/USD", raw)

    assert list(json.loads(raw)) == SEVEN
    assert (stored.raw, stored.decode()) == (raw, OF_ONE_EXCHANGE)


@pytest.mark.parametrize("value", [12.5, None, "", ["kraken"]])
def test_a_record_whose_exchange_is_no_name_is_none(value):
    assert StoredTicker.from_raw("BTC/USD", with_field("exchange", value)) is None


@given(RECORDS)
def test_a_record_marked_stale_is_the_same_with_one_more_field(record):
    marked = json.loads(StoredTicker.from_raw(record.pair, record.encode()).raw_marked_stale)

    assert marked.pop("stale") is True
    assert marked == json.loads(record.encode())


def test_a_record_that_a_person_wrote_in_another_order_is_served_as_it_is():
    fields = json.loads(RECORD.encode())
    raw = json.dumps(dict(reversed(fields.items())), indent=2).encode() + b"\n"
    stored = StoredTicker.from_raw("BTC/USD", raw)

    assert (stored.raw, stored.received_at_ms) == (raw, RECORD.received_at_ms)
    assert json.loads(stored.raw_marked_stale)["stale"] is True


@pytest.mark.parametrize("value", ["kraken", 12.5, 1e300, None, True, [1, {"a": 2}], {"nested": {"pair": "X/Y"}}])
def test_a_record_with_a_field_that_only_a_newer_version_knows_is_served_as_it_is(value):
    raw = with_field("venue", value)
    stored = StoredTicker.from_raw("BTC/USD", raw)

    assert (stored.raw, stored.received_at_ms, stored.decode()) == (raw, RECORD.received_at_ms, RECORD)
    assert json.loads(stored.raw_marked_stale) == json.loads(raw) | {"stale": True}


@pytest.mark.parametrize("name", SEVEN)
def test_the_seven_fields_of_the_contract_must_be_there_and_of_their_kind(name):
    fields = json.loads(RECORD.encode()) | {"venue": "x"}

    assert StoredTicker.from_raw("BTC/USD", json.dumps({**fields, name: [1]}).encode()) is None
    del fields[name]
    assert StoredTicker.from_raw("BTC/USD", json.dumps(fields).encode()) is None


@pytest.mark.parametrize("name", ["price", "pair", "exchange"])
def test_a_record_with_a_name_twice_is_none_for_its_readers_would_disagree(name):
    twice = b'{"%s":%s,' % (name.encode(), json.dumps("BTC/USD" if name == "pair" else 1).encode())
    raw = RECORD.encode()

    assert StoredTicker.from_raw("BTC/USD", raw.replace(b"{", twice, 1)) is None
    assert StoredTicker.from_raw("BTC/USD", RECORD.encode()[:-1] + b',"price":43250.00}') is None


@pytest.mark.parametrize("price", ["0", "0.000", "-1", "-43250.00"])
@pytest.mark.parametrize("more", [b"", b',"venue":"x"'], ids=["usual form", "other form"])
def test_a_record_without_a_price_above_zero_is_none(price, more):
    raw = RECORD.encode().replace(b"43250.00", price.encode()).replace(b"}", more + b"}")

    assert StoredTicker.from_raw("BTC/USD", raw) is None


def with_field(name, value):
    return json.dumps(json.loads(RECORD.encode()) | {name: value}).encode()


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"",
        b"nonsense",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 100_000,
        RECORD.encode()[:-1],
        RECORD.encode() + b"x",
        with_field("pair", "ETH/USD"),
        with_field("price", "43250.00"),
        with_field("price", None),
        with_field("price", True),
        with_field("price", 10**20),
        RECORD.encode().replace(b"43250.00", b"43250." + b"0" * 21),
        with_field("price", float("nan")),
        with_field("timestamp", 1.5),
        with_field("stale", True),
    ],
)
def test_what_is_no_record_of_the_pair_is_no_price(raw):
    assert StoredTicker.from_raw("BTC/USD", raw) is None


@given(st.binary() | st.text().map(str.encode))
def test_whatever_bytes_lie_in_the_cache_reading_them_does_no_harm(raw):
    assert StoredTicker.from_raw("BTC/USD", raw) is None


@pytest.mark.parametrize("text", ["", "NaN", "Infinity", "1e5", "+1", " 1", "1.", ".5", "1_0", "٣", "9" * 21, "--1"])
def test_only_a_plain_decimal_is_a_number_of_the_exchange(text):
    assert exact_decimal(text) is None

import json
from decimal import Decimal
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.api.compression import accepts_gzip
from market_data.api.prices import prices_response
from market_data.api.queries import BadQueryError, PricesQuery, parse_prices_query, query_text
from market_data.api.response import etag_matches
from market_data.ticker.pairs import normalise_pairs
from market_data.ticker.record import StoredTicker, TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.snapshot import PriceSnapshot
from tests.fakes import UNIX_TIME_AT_START_MS as NOW_MS
from tests.fakes import app_settings

SETTINGS = app_settings()
HOSTILE = st.text(st.characters() | st.sampled_from("&=,/%+;\r\n\x00\"'<"), max_size=300)


def parsed(query_string):
    return parse_prices_query(query_string, SETTINGS)


def asked(query_string, snapshot, now_ms=NOW_MS, if_none_match=None, accept_encoding=None):
    """Return status, headers and body for a query as text."""
    raw = query_string.encode(errors="replace").decode("latin-1")
    response = prices_response(raw, snapshot, now_ms, if_none_match, accept_encoding, SETTINGS)
    headers = response.headers_at(now_ms)
    assert len({name for name, _ in headers}) == len(headers)
    return response.status, dict(headers), response.body


def snapshot_of(pairs, current=(), last_known=(), **facts):
    reading = CacheReading(
        {ticker.pair: ticker for ticker in current}, {ticker.pair: ticker for ticker in last_known}, Source.BINANCE
    )
    return PriceSnapshot(reading, Source.BINANCE, **facts)


def test_without_pairs_all_configured_ones_are_meant():
    assert parsed("") == PricesQuery(SETTINGS.trading_pairs, 0)
    assert parsed("maxStaleMs=60000") == PricesQuery(SETTINGS.trading_pairs, 60_000)


@pytest.mark.parametrize(
    "query_string", ["pairs=btc/usd,ETH/USD,BTC/USD", "pairs=btc%2Fusd%2C+eth%2Fusd", "pairs=%20btc/usd,eth/usd%0A"]
)
def test_pairs_are_trimmed_in_upper_case_in_their_order_and_stand_once(query_string):
    assert parsed(query_string).pairs == ("BTC/USD", "ETH/USD")


@given(st.lists(st.sampled_from(["BTC/USD", "币安人生/USDT", "1INCH/USDT", "A-B.C/USD"]), min_size=1))
def test_a_percent_encoded_list_is_read_as_it_was_meant(pairs):
    assert parsed(urlencode({"pairs": ",".join(pairs)})).pairs == normalise_pairs(pairs)


@pytest.mark.parametrize(
    "query_string",
    [
        "pairs=",
        "pairs",
        "pairs=,",
        "pairs=BTC/USD,",
        "pairs=BTCUSD",
        "pairs=BTC/USD%00",
        "pairs=%FF%FE/USD",
        "pairs=BTC/USD%0d%0aX-Evil:1",
        "pairs=BTC/USD&pairs=ETH/USD",
        "pair=BTC/USD",
        "maxStaleMs=",
        "maxStaleMs=-1",
        "maxStaleMs=1.5",
        "maxStaleMs=1e3",
        "maxStaleMs=٣",
        "maxStaleMs=" + "9" * 5000,
        "maxStaleMs=1&maxStaleMs=2",
        "&".join(f"x{number}=1" for number in range(100_000)),
    ],
)
def test_a_malformed_query_is_refused_with_a_short_message(query_string):
    status, headers, body = asked(query_string, snapshot_of(SETTINGS.trading_pairs))

    assert status == 400
    assert set(json.loads(body)) == {"error", "message"}
    assert len(body) < 400
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Market-Data-Time"] == str(NOW_MS)


def test_as_many_pairs_as_allowed_may_be_named_and_not_one_more():
    names = [f"A{number}/USDT" for number in range(SETTINGS.max_pairs_per_request + 1)]

    assert len(parsed("pairs=" + ",".join([*names[1:], names[1]])).pairs) == SETTINGS.max_pairs_per_request
    with pytest.raises(BadQueryError, match=str(SETTINGS.max_pairs_per_request)):
        parsed("pairs=" + ",".join(names))


@given(
    HOSTILE.map(lambda text: "pairs=" + text)
    | HOSTILE.map(lambda text: "pairs=" + quote(text, errors="replace"))
    | HOSTILE
)
def test_no_text_of_a_reader_does_more_than_name_pairs_or_be_refused(query_string):
    try:
        query = parsed(query_text(query_string.encode(errors="replace").decode("latin-1")))
    except BadQueryError:
        return

    assert query.pairs
    _, headers, body = asked(query_string, snapshot_of(query.pairs))
    assert json.loads(body)["unavailablePairs"] == list(query.pairs)
    assert not any({"\r", "\n"} & set(name + value) for name, value in headers.items())


def stored(pair, age_ms=0, price="43250.00"):
    number = Decimal(price)
    raw = TickerRecord(pair, number, number, NOW_MS - age_ms, number, number, number).encode()
    return StoredTicker.from_raw(pair, raw)


def answered(pairs, current=(), last_known=(), max_stale_ms=0, if_none_match=None):
    return asked(
        f"pairs={','.join(pairs)}&maxStaleMs={max_stale_ms}",
        snapshot_of(pairs, current, last_known),
        if_none_match=if_none_match,
    )


def test_with_every_pair_in_the_cache_the_answer_is_200_with_the_records_as_they_lie_there():
    tickers = [stored("币安人生/USDT"), stored("BTC/USD", price="0.00001230")]
    status, headers, body = answered(["BTC/USD", "币安人生/USDT"], tickers)

    assert status == 200
    assert list(json.loads(body)) == ["BTC/USD", "币安人生/USDT"]
    assert stored("BTC/USD", price="0.00001230").raw in body
    assert headers["Content-Length"] == str(len(body))


def test_with_some_pairs_the_answer_is_206_and_names_the_missing_ones_in_a_header_of_plain_ascii():
    status, headers, body = answered(["币安人生/USDT", "BTC/USD", "XYZ/USD"], [stored("BTC/USD")])

    assert status == 206
    assert list(json.loads(body)) == ["BTC/USD"]
    missing = headers["X-Market-Data-Missing"]
    assert missing.isascii()
    assert [unquote(name) for name in missing.split(",")] == ["币安人生/USDT", "XYZ/USD"]


def test_with_no_pair_the_answer_is_503_and_tells_which_are_not_even_configured():
    status, headers, body = answered(["BTC/USD", "XYZ/USD"])
    body = json.loads(body)

    assert status == 503
    assert body["error"] == "Price data temporarily unavailable"
    assert (body["unavailablePairs"], body["unknownPairs"]) == (["BTC/USD", "XYZ/USD"], ["XYZ/USD"])
    assert int(headers["Retry-After"]) * 1000 >= SETTINGS.fetch_interval_ms


def test_only_a_whole_answer_may_be_kept_by_a_shared_cache_and_for_a_second_at_most():
    pairs = ["BTC/USD", "ETH/USD"]
    whole, part, none = (answered(pairs, map(stored, pairs[:count]))[1]["Cache-Control"] for count in (2, 1, 0))

    assert "s-maxage=1" in whole
    assert (part, none) == ("no-store", "no-store")


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_last_known_price_counts_up_to_the_asked_time_past_its_life_and_is_marked(age_ms, max_stale_ms):
    last = stored("BTC/USD", age_ms)
    status, _, body = answered(["BTC/USD"], last_known=[last], max_stale_ms=max_stale_ms)

    if not max_stale_ms or age_ms > SETTINGS.cache_ttl_ms + max_stale_ms:
        assert status == 503
        return
    record = json.loads(body)["BTC/USD"]
    assert (status, record["stale"], record["timestamp"]) == (200, True, NOW_MS - age_ms)


def test_a_price_within_its_life_is_preferred_to_a_last_known_one_and_not_marked():
    _, _, body = answered(["BTC/USD"], [stored("BTC/USD", price="2")], [stored("BTC/USD", 9000, "1")], 60_000)

    assert json.loads(body)["BTC/USD"] == json.loads(stored("BTC/USD", price="2").raw)


def test_the_same_records_have_the_same_tag_and_need_not_be_sent_again():
    _, headers, _ = answered(["BTC/USD"], [stored("BTC/USD")])
    tag = headers["ETag"]
    status, not_modified, body = answered(["BTC/USD"], [stored("BTC/USD")], if_none_match=tag)
    assert (status, body) == (304, b"")
    assert not_modified == headers

    changed, _, _ = answered(["BTC/USD"], [stored("BTC/USD", price="2")], if_none_match=tag)
    assert changed == 200
    marked, _, _ = answered(["BTC/USD"], last_known=[stored("BTC/USD")], max_stale_ms=1, if_none_match=tag)
    assert marked == 200


@pytest.mark.parametrize(
    ("names", "matches"),
    [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ('"b"', False), (None, False)],
)
def test_a_tag_is_found_among_those_that_a_reader_names(names, matches):
    assert etag_matches('"a"', names) is matches


@pytest.mark.parametrize(
    ("accept_encoding", "accepts"),
    [
        ("gzip", True),
        ("br, GZip ; Q=0.001", True),
        ("gzip;q=1.000", True),
        ("gzip;q=1.", True),
        ("gzip;q=0", False),
        ("gzip ; q = 0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=abc", False),
        ("gzip;q=", False),
        ("gzip;", False),
        ("gzip;q=-1", False),
        ("gzip;q=1.001", False),
        ("gzip;q=2", False),
        ("gzip;q=0.0001", False),
        ("gzip;q=1;q=0", False),
        ("gzip;level=9", False),
        ("not-gzip", False),
        ("br;q=1, gzip;q=0", False),
        ("identity", False),
        ("*", False),
        ("", False),
        ("gzip," * 100, False),
    ],
)
def test_gzip_is_sent_where_it_is_named_with_a_weight_above_zero_and_up_to_one(accept_encoding, accepts):
    assert accepts_gzip(accept_encoding) is accepts

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.api.history import MAX_POINTS_PER_RESPONSE, HistoryQuery, history_response, parse_history_query
from market_data.api.queries import BadQueryError, bad_query_response
from market_data.ticker_cache.history import good_points
from tests.fakes import UNIX_TIME_AT_START_MS as NOW_MS
from tests.fakes import app_settings

SETTINGS = app_settings()


def parsed(query_string):
    return parse_history_query(query_string, SETTINGS)


def answered(pairs, series, if_none_match=None, settings=SETTINGS):
    return history_response(HistoryQuery(tuple(pairs), 240), series, if_none_match, settings)


def test_without_parameters_all_configured_pairs_and_a_whole_hour_are_meant():
    assert parsed("") == HistoryQuery(SETTINGS.trading_pairs, 240)
    assert parsed("pairs=btc/usd,ETH/USD&points=60") == HistoryQuery(("BTC/USD", "ETH/USD"), 60)


@pytest.mark.parametrize(
    "query_string",
    [
        "points=",
        "points=0",
        "points=-1",
        "points=241",
        "points=1.5",
        "points=1e2",
        "points=٣",
        "points=" + "9" * 5000,
        "points=1&points=2",
        "pairs=",
        "pairs=BTCUSD",
        "pairs=BTC/USD%0d%0aX-Evil:1",
        "maxStaleMs=1",
        "&".join(f"x{number}=1" for number in range(100_000)),
    ],
)
def test_a_malformed_query_is_refused_with_a_short_message(query_string):
    with pytest.raises(BadQueryError) as refusal:
        parsed(query_string)

    answer = bad_query_response(refusal.value)
    assert (answer.status, set(json.loads(answer.body))) == (400, {"error", "message"})
    assert len(answer.body) < 400


def test_without_configured_pairs_there_is_nothing_to_tell():
    settings = app_settings(TRADING_PAIRS="[]")
    query = parse_history_query("", settings)

    assert json.loads(history_response(query, {}, None, settings).body)["history"] == {}


def test_more_configured_pairs_than_an_answer_has_room_for_get_fewer_points_each():
    pairs = [f"A{number}/USDT" for number in range(600)]
    settings = app_settings(TRADING_PAIRS=json.dumps(pairs))

    assert parse_history_query("", settings).points == MAX_POINTS_PER_RESPONSE // 600
    with pytest.raises(BadQueryError, match="write points=80"):
        parse_history_query("points=81", settings)


@given(st.text(st.characters() | st.sampled_from("&=,/%+;0123456789"), max_size=200))
def test_no_text_of_a_reader_asks_for_more_than_an_answer_has_room_for(text):
    for query_string in (text, "points=" + text, "pairs=BTC/USD&points=" + text):
        try:
            query = parsed(query_string)
        except BadQueryError:
            continue
        assert query.pairs
        assert 1 <= query.points <= 240


def test_points_keep_their_digits_and_a_pair_without_any_has_an_empty_list():
    answer = answered(["币安人生/USDT", "XYZ/USDT"], {"币安人生/USDT": [b"[1700000000000,0.00001230]"]})

    assert answer.status == 200
    assert answer.body.decode() == (
        '{"intervalMs":16000,"history":{"币安人生/USDT":[[1700000000000,0.00001230]],"XYZ/USDT":[]}}'
    )


@pytest.mark.parametrize(
    ("interval_ms", "distance_ms"), [(2_000, 16_000), (4_000, 16_000), (5_000, 15_000), (10_000, 20_000)]
)
def test_the_usual_distance_is_the_step_in_whole_intervals_of_the_fetcher(interval_ms, distance_ms):
    settings = app_settings(MARKET_DATA_FETCH_INTERVAL_MS=str(interval_ms))

    assert json.loads(answered(["BTC/USD"], {}, settings=settings).body)["intervalMs"] == distance_ms


def test_an_unchanged_history_has_the_same_tag_and_need_not_be_sent_again():
    first = answered(["BTC/USD"], {"BTC/USD": [b"[1700000000000,1]"]})
    again = answered(["BTC/USD"], {"BTC/USD": [b"[1700000000000,1]"]}, dict(first.headers)["ETag"])
    changed = answered(["BTC/USD"], {"BTC/USD": [b"[1700000000000,2]"]}, dict(first.headers)["ETag"])

    assert (again.status, again.body, again.headers) == (304, b"", first.headers)
    assert changed.status == 200


@given(st.lists(st.binary(max_size=80) | st.integers(0, 10**14).map(lambda ms: b"[%d,43250.10]" % ms)))
def test_whatever_lies_in_a_series_what_is_served_is_json_in_the_order_of_time(elements):
    points = good_points(elements)
    served = json.loads(b"[%s]" % b",".join(points))

    assert [len(point) for point in served] == [2] * len(points)
    assert [time for time, _ in served] == sorted(time for time, _ in served)


@pytest.mark.parametrize(
    "element",
    [
        b"",
        b"null",
        b"[]",
        b"[%d]" % NOW_MS,
        b'[%d,"1"]' % NOW_MS,
        b"[%d,NaN]" % NOW_MS,
        b"[%d,1e5]" % NOW_MS,
        b"[%d,01]" % NOW_MS,
        b"[%d,-1]" % NOW_MS,
        b"[%d,1],[%d,2]" % (NOW_MS, NOW_MS),
        b"[%d,1]\n" % NOW_MS,
        b"[1,1]",
        b"[%d,%s]" % (NOW_MS, b"9" * 1000),
        b'[%d,1,""]' % NOW_MS,
        b'[%d,1,"<b>"]' % NOW_MS,
        b'[%d,1,"kraken","x"]' % NOW_MS,
        b'[%d,1,"%s"]' % (NOW_MS, b"k" * 21),
    ],
)
def test_what_is_no_point_is_left_out(element):
    good = b"[%d,43250.10]" % NOW_MS

    assert good_points([element, good]) == [good]


def test_a_point_of_a_version_that_knew_one_exchange_stands_beside_one_that_names_its_own():
    points = [b"[%d,43250.10]" % NOW_MS, b'[%d,43250.10,"kraken"]' % (NOW_MS + 1)]

    assert good_points(reversed(points)) == points

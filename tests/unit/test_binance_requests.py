from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.exchanges.binance import requests
from market_data.exchanges.binance.exchange import Binance

NAMES = st.lists(st.text("ABC123", min_size=1, max_size=6), unique=True, max_size=60)


def names(count):
    return [f"A{number}USDT" for number in range(count)]


def planned(count, *, batch_size=10, suspects=(), may_ask_for_all=True):
    return Binance().ticker_requests(
        names(count),
        batch_size=batch_size,
        is_suspect=frozenset(suspects).__contains__,
        may_ask_for_all=may_ask_for_all,
    )


def test_a_request_names_its_symbols_as_a_json_array_without_a_space_and_in_plain_ascii():
    path = requests.batch(("BTCUSDT", "币安人生USDT")).path_and_query

    assert path.isascii()
    assert urlsplit(path).path == "/api/v3/ticker/24hr"
    assert unquote(urlsplit(path).query) == 'symbols=["BTCUSDT","币安人生USDT"]'


@pytest.mark.parametrize(("symbols", "weight"), [(1, 2), (20, 2), (21, 40), (100, 40), (101, 80)])
def test_a_request_weighs_what_the_exchange_s_table_says(symbols, weight):
    assert requests.batch(tuple(names(symbols))).weight == requests.ticker_weight(symbols) == weight


def test_without_a_symbol_nothing_is_asked_for():
    assert planned(0) == []


@pytest.mark.parametrize("count", [1, 4, 10, 100, 400])
def test_usual_numbers_of_pairs_are_asked_for_in_batches_of_ten(count):
    batches = planned(count)

    assert [len(batch.symbols) for batch in batches] == [10] * (count // 10) + [count % 10] * (count % 10 > 0)
    assert sum(batch.weight for batch in batches) <= 80


@pytest.mark.parametrize(("count", "batch_size"), [(401, 10), (500, 10), (2000, 10), (801, 20), (41, 1)])
def test_where_the_batches_would_weigh_more_the_whole_market_is_asked_for_at_once(count, batch_size):
    (request,) = planned(count, batch_size=batch_size)

    assert (request.stands_for_batches, request.symbols, request.weight) == (True, tuple(names(count)), 80)
    assert request.path_and_query == "/api/v3/ticker/24hr?symbolStatus=TRADING"


def test_batches_are_taken_where_the_whole_market_may_not_be_asked_for_and_hold_suspects_alone_and_last():
    batches = planned(2000, may_ask_for_all=False, suspects=["A7USDT"])

    assert len(batches) == 201
    assert batches[-1].symbols == ("A7USDT",)


@given(NAMES, st.integers(1, 20), st.sets(st.text("ABC123", min_size=1, max_size=1)))
def test_batches_hold_every_symbol_once_none_beyond_the_size_and_suspects_alone(symbols, batch_size, suspects):
    batches = [batch.symbols for batch in requests.batches(symbols, batch_size, suspects.__contains__)]

    assert sorted(name for batch in batches for name in batch) == sorted(symbols)
    assert all(0 < len(batch) <= batch_size for batch in batches)
    assert all(len(batch) == 1 for batch in batches if suspects & set(batch))
    usual = [name for batch in batches for name in batch if name not in suspects]
    assert usual == [name for name in symbols if name not in suspects]


@given(st.lists(st.text(min_size=1), min_size=2, max_size=20))
def test_halves_of_a_batch_are_not_empty_and_differ_by_one_at_most(names):
    first, second = requests.halves(requests.batch(tuple(names)))

    assert [*first.symbols, *second.symbols] == names
    assert 0 <= len(second.symbols) - len(first.symbols) <= 1


@given(st.integers(0, 1500), st.integers(1, 20), st.booleans())
def test_every_plan_brings_each_symbol_once_and_weighs_no_more_than_need_be(count, batch_size, may_ask_for_all):
    plan = planned(count, batch_size=batch_size, may_ask_for_all=may_ask_for_all)
    weight = sum(request.weight for request in plan)
    of_batches = 2 * -(-count // batch_size)

    assert [name for request in plan for name in request.symbols] == names(count)
    assert weight == (min(80, of_batches) if may_ask_for_all else of_batches)


def test_the_list_is_asked_for_without_permission_sets_first_and_whole_where_a_host_refuses_that():
    paths = [request.path_and_query for request in Binance().list_requests()]

    assert paths == ["/api/v3/exchangeInfo?showPermissionSets=false", "/api/v3/exchangeInfo"]


def test_the_status_of_as_many_symbols_as_fit_into_an_address_is_one_request_and_of_more_is_read_off_the_list():
    request = Binance().status_request(names(200))

    assert request is not None
    assert request.weight == Binance().list_requests()[0].weight == 20
    assert Binance().status_request(names(201)) is None

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_data.ticker.pairs import InvalidPairError, normalise_asset, normalise_pair, normalise_pairs, split_pair

ASSETS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@pytest.mark.parametrize("text", ["btc/usdt", " BTC/USDT\n", "Btc/Usdt"])
def test_a_pair_is_trimmed_and_in_upper_case(text):
    assert normalise_pair(text) == "BTC/USDT"


@pytest.mark.parametrize("text", ["1inch/usdt", "t/usdt", "币安人生/usdt", "a-b.c_d/usd"])
def test_every_name_that_the_exchange_may_list_is_a_pair(text):
    assert normalise_pair(text) == text.upper()


@pytest.mark.parametrize("name", ["ß", "ıNCH", "ſOL", "ﬁL", "µ", "ς", "ŉ", "ü"])
def test_upper_case_never_turns_one_name_into_another(name):
    assert normalise_pair(f"{name}/usdt") == f"{name}/USDT"
    assert normalise_asset(f" {name}") == name


@given(ASSETS, ASSETS)
def test_two_names_are_one_pair_only_where_they_differ_in_the_case_of_ascii_letters(one, other):
    try:
        same = normalise_asset(one) == normalise_asset(other)
    except ValueError:
        return

    assert same == (one.strip().encode().upper() == other.strip().encode().upper())


@pytest.mark.parametrize(
    "text",
    ["", "  ", "BTCUSDT", "BTC/", "/USDT", "A/B/C", "BTC USDT", "B TC/USDT", 'B"TC/USDT', "BTC/US\x00DT", "BTC/US,DT"],
)
def test_what_is_no_pair_is_refused(text):
    with pytest.raises(InvalidPairError):
        normalise_pair(text)


def test_a_refusal_quotes_what_was_given_but_never_at_length():
    with pytest.raises(InvalidPairError) as refusal:
        normalise_pair("nonsense" * 10_000)

    assert "nonsense" in str(refusal.value)
    assert len(str(refusal.value)) < 300


@given(ASSETS, ASSETS)
def test_a_normalised_pair_is_itself_normalised_and_safe_in_json_headers_and_keys(base, quote):
    try:
        pair = normalise_pair(f"{base}/{quote}")
    except InvalidPairError:
        return

    assert normalise_pair(pair) == pair
    assert "/".join(split_pair(pair)) == pair
    assert not set(pair) & set('"\\\r\n\x00 ,:*')


def test_pairs_keep_their_order_and_stand_once():
    assert normalise_pairs(["eth/usd", "BTC/USD", "ETH/USD "]) == ("ETH/USD", "BTC/USD")

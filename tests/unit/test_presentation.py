import json
from decimal import Decimal
from pathlib import Path

import pytest

from market_data.dashboard.presentation import market_prices, pair_note, shown_prices, summary
from market_data.ticker import number_format
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import StoredTicker
from market_data.ticker.source import Source
from market_data.ticker_cache.prices import NO_PRICES, CacheReading
from tests.fakes import app_settings
from tests.web_site import fetcher_status, record, report_of_three_exchanges

CASES = json.loads((Path(__file__).parent / "presentation_cases.json").read_text())
NOW_MS = 1_700_000_000_000
SETTINGS = app_settings()


def decimal(text):
    return None if text is None else Decimal(text)


def stored(pair, age_ms=0):
    ticker = record(pair)
    return StoredTicker(pair, ticker.encode(), NOW_MS - age_ms)


def reading(current=(), last_known=()):
    return CacheReading(
        current={ticker.pair: ticker for ticker in current},
        last_known={ticker.pair: ticker for ticker in (*last_known, *current)},
        source=Source.BINANCE,
    )


def shown(pairs, cache_reading, status=None, stale_threshold_ms=30_000):
    return market_prices(shown_prices(pairs, cache_reading, NOW_MS, SETTINGS), status, stale_threshold_ms)


@pytest.mark.parametrize(("price", "text"), CASES["price"])
def test_a_price_shows_five_significant_digits_or_more_and_none_that_the_exchange_did_not_send(price, text):
    assert number_format.format_price(decimal(price)) == text


@pytest.mark.parametrize(("change", "text", "direction"), CASES["change"])
def test_a_change_has_its_sign_and_a_missing_one_is_no_zero(change, text, direction):
    assert number_format.format_change(decimal(change)) == text
    assert number_format.change_direction(decimal(change)) == direction


@pytest.mark.parametrize(("amount", "text"), CASES["compact"])
def test_a_large_amount_is_written_in_short(amount, text):
    assert number_format.format_compact(decimal(amount)) == text


@pytest.mark.parametrize(("age_ms", "text"), CASES["age"])
def test_an_age_is_told_in_the_largest_unit_that_it_fills(age_ms, text):
    assert number_format.format_age(age_ms) == text


@pytest.mark.parametrize(("price", "low", "high", "percent"), CASES["range"])
def test_the_last_price_stands_between_low_and_high(price, low, high, percent):
    assert number_format.range_position(Decimal(price), Decimal(low), Decimal(high)) == percent


@pytest.mark.parametrize(("status", "live", "stale", "missing", "sentence"), CASES["summary"])
def test_the_state_of_the_page_is_one_sentence(status, live, stale, missing, sentence):
    assert summary(status, {"live": live, "stale": stale, "missing": missing}) == sentence


@pytest.mark.parametrize(("state", "outcome", "note"), CASES["note"])
def test_a_pair_that_is_not_live_says_why(state, outcome, note):
    assert pair_note(state, outcome) == note


def test_a_price_within_the_threshold_is_live_and_an_older_one_is_stale():
    prices = reading([stored("BTC/USDT", 7_000), stored("ETH/USDT", 7_001)])
    page = shown(["BTC/USDT", "ETH/USDT"], prices, stale_threshold_ms=7_000)

    assert [card.state for card in page.cards] == ["live", "stale"]
    assert page.status == "stale"


def test_a_price_past_its_life_is_not_live_whatever_the_threshold():
    page = shown(["BTC/USDT", "ETH/USDT"], reading([stored("BTC/USDT", 15_000), stored("ETH/USDT", 15_001)]))

    assert [card.state for card in page.cards] == ["live", "stale"]


def test_the_state_of_a_list_is_about_the_pairs_that_it_shows_and_no_others():
    assert shown(["ETH/USDT"], reading([stored("BTC/USDT")])).status == "unavailable"


def test_the_last_known_price_stands_in_for_a_missing_one_and_is_marked_stale_with_its_age():
    page = shown(["BTC/USDT", "ETH/USDT"], reading([stored("BTC/USDT")], [stored("ETH/USDT", 16_000)]))

    card = page.cards[1]
    assert (card.state, card.note, card.price, card.age) == ("stale", "Last known price", "2,301.15", "16 s ago")


def test_a_pair_without_any_price_is_missing_and_shows_dashes():
    page = shown(["BTC/USDT", "ETH/USDT"], reading([stored("BTC/USDT")]))

    card = page.cards[1]
    assert (card.state_word, card.price, card.change, card.arrow, card.age) == ("Missing", "–", "–", "", "–")
    assert page.status == "polling"


def test_no_current_price_at_all_means_unavailable_even_with_last_known_ones():
    assert shown(["BTC/USDT"], reading((), [stored("BTC/USDT", 16_000)])).status == "unavailable"
    assert shown(["BTC/USDT"], NO_PRICES).status == "unavailable"


def test_no_pairs_mean_idle():
    assert shown([], NO_PRICES).status == "idle"


def test_an_alias_is_named_only_once_the_fetcher_has_said_so():
    prices = reading([stored("BTC/USD"), stored("BTC/USDT")])
    pairs = ["BTC/USD", "BTC/USDT"]

    assert [card.alias for card in shown(pairs, prices).cards] == ["", ""]
    assert [card.alias for card in shown(pairs, prices, fetcher_status(pairs)).cards] == ["priced in USDT", ""]


def test_an_alias_is_shown_with_its_worth_in_the_pair_s_own_quote_asset_where_an_exchange_tells():
    status = report_of_three_exchanges(["BTC/USD", "BTC/USDT"])
    cards = shown(["BTC/USD", "BTC/USDT"], reading([stored("BTC/USD")]), status).cards

    assert [card.alias for card in cards] == ["priced in USDT, at 0.9991 USD", ""]


def test_a_card_names_the_exchange_that_gave_its_price_and_none_where_that_is_not_told():
    known = record("BTC/USDT", exchange="kraken")
    untold = record("ETH/USDT", exchange=None)
    prices = [StoredTicker(one.pair, one.encode(), NOW_MS) for one in (known, untold)]
    cards = shown(["BTC/USDT", "ETH/USDT", "SHIB/USDT"], reading(prices)).cards

    assert [card.exchange for card in cards] == ["Kraken", "", ""]


def test_every_outcome_that_has_a_note_is_one_of_the_fetchers():
    noted = {case[1] for case in CASES["note"]} - {None}
    assert noted <= {outcome.value for outcome in PairOutcome}

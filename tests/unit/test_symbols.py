"""From pairs to symbols, and from symbols to batches."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from market_data.aggregator.batches import halves, make_batches
from market_data.aggregator.symbols import SymbolList, resolve_pair
from market_data.exchanges.binance.payloads import ListedSymbol
from market_data.ticker.outcome import PairOutcome
from tests.fakes import listed

ALIASES = {"USD": "USDT"}
NAMES = st.lists(st.text("ABC123", min_size=1, max_size=6), unique=True, max_size=60)


def symbol_list(*symbols):
    return SymbolList(msgspec.convert(symbol, ListedSymbol) for symbol in symbols)


def resolved(pair, *symbols, aliases=ALIASES):
    return resolve_pair(pair, symbol_list(*symbols), aliases)


def test_a_pair_has_the_symbol_that_the_exchange_lists_for_its_assets_however_it_is_called():
    found = resolved("币安人生/USDT", listed("BIANUSDT", "币安人生", "USDT"), listed("BTCUSDT", "BTC", "USDT"))

    assert (found.symbol, found.is_quote_alias, found.refusal) == ("BIANUSDT", False, None)


def test_a_pair_without_a_symbol_of_its_own_is_priced_in_the_alias_and_says_so():
    found = resolved("BTC/USD", listed("BTCUSDT", "BTC", "USDT"))

    assert (found.symbol, found.quote_asset, found.is_quote_alias) == ("BTCUSDT", "USDT", True)


def test_a_pair_with_a_symbol_of_its_own_never_takes_the_alias():
    found = resolved("BTC/USD", listed("BTCUSDT", "BTC", "USDT"), listed("BTCUSD", "BTC", "USD"))

    assert (found.symbol, found.quote_asset, found.is_quote_alias) == ("BTCUSD", "USD", False)


def test_without_aliases_a_pair_that_is_not_listed_is_unknown():
    found = resolved("BTC/USD", listed("BTCUSDT", "BTC", "USDT"), aliases={})

    assert (found.symbol, found.quote_asset, found.refusal) == (None, "USD", PairOutcome.UNKNOWN_SYMBOL)


def test_a_listed_symbol_that_does_not_trade_is_refused_as_such():
    for status in ("BREAK", "HALT", "END_OF_DAY", "CANCEL_ONLY"):
        found = resolved("OLD/USDT", listed("OLDUSDT", "OLD", "USDT", status))
        assert found.refusal is PairOutcome.NOT_TRADING


def test_of_two_symbols_with_the_same_assets_the_trading_one_counts_in_either_order():
    old, new = listed("LUNAOLD", "LUNA", "USDT", "BREAK"), listed("LUNAUSDT", "LUNA", "USDT")

    assert resolved("LUNA/USDT", old, new).symbol == resolved("LUNA/USDT", new, old).symbol == "LUNAUSDT"


def test_without_a_list_the_names_are_joined_on_trust_and_the_alias_says_so():
    assert resolve_pair("BTC/EUR", None, ALIASES).symbol == "BTCEUR"
    aliased = resolve_pair("BTC/USD", None, ALIASES)
    assert (aliased.symbol, aliased.quote_asset, aliased.is_quote_alias) == ("BTCUSDT", "USDT", True)


def test_a_list_knows_which_of_its_symbols_trade():
    symbols = symbol_list(listed("BTCUSDT", "BTC", "USDT"), listed("OLDUSDT", "OLD", "USDT", "BREAK"))

    assert [symbols.is_trading(name) for name in ("BTCUSDT", "OLDUSDT", "XYZUSDT")] == [True, False, False]
    assert len(symbols) == 2


@given(NAMES, st.integers(1, 20), st.sets(st.text("ABC123", min_size=1, max_size=1)))
def test_batches_hold_every_symbol_once_none_beyond_the_size_and_suspects_alone(symbols, batch_size, suspects):
    batches = make_batches(symbols, batch_size, suspects.__contains__)

    assert sorted(name for batch in batches for name in batch) == sorted(symbols)
    assert all(0 < len(batch) <= batch_size for batch in batches)
    assert all(len(batch) == 1 for batch in batches if suspects & set(batch))
    usual = [name for batch in batches for name in batch if name not in suspects]
    assert usual == [name for name in symbols if name not in suspects]


@given(st.lists(st.text(min_size=1), min_size=2, max_size=20))
def test_halves_of_a_batch_are_not_empty_and_differ_by_one_at_most(batch):
    first, second = halves(batch)

    assert [*first, *second] == batch
    assert 0 <= len(second) - len(first) <= 1

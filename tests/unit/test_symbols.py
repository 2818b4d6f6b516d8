from market_data.aggregator.symbols import ListedAt, resolve_pair
from market_data.exchanges.binance.exchange import Binance
from market_data.exchanges.symbols import ListedSymbol, SymbolList
from market_data.ticker.outcome import PairOutcome

ALIASES = {"USD": "USDT"}


def listed(symbol, base_asset, quote_asset, *, is_trading=True):
    return ListedSymbol(symbol, base_asset, quote_asset, is_trading)


def resolved(pair, *symbols, aliases=ALIASES):
    return resolve_pair(pair, [ListedAt(Binance(), SymbolList(symbols))], aliases)


def first_of(found):
    return found.first.symbol, found.first.quote_asset, found.first.is_alias


def test_a_pair_has_the_symbol_that_the_exchange_lists_for_its_assets_however_it_is_called():
    found = resolved("币安人生/USDT", listed("BIANUSDT", "币安人生", "USDT"), listed("BTCUSDT", "BTC", "USDT"))

    assert first_of(found) == ("BIANUSDT", "USDT", False)


def test_a_pair_without_a_symbol_of_its_own_is_priced_in_the_alias_and_says_so():
    found = resolved("BTC/USD", listed("BTCUSDT", "BTC", "USDT"))

    assert first_of(found) == ("BTCUSDT", "USDT", True)


def test_a_pair_with_a_symbol_of_its_own_never_takes_the_alias():
    found = resolved("BTC/USD", listed("BTCUSDT", "BTC", "USDT"), listed("BTCUSD", "BTC", "USD"))

    assert first_of(found) == ("BTCUSD", "USD", False)


def test_without_aliases_a_pair_that_is_not_listed_is_unknown():
    found = resolved("BTC/USD", listed("BTCUSDT", "BTC", "USDT"), aliases={})

    assert (found.first, found.quote_asset, found.refusal) == (None, "USD", PairOutcome.UNKNOWN_SYMBOL)


def test_a_listed_symbol_that_does_not_trade_is_refused_as_such():
    found = resolved("OLD/USDT", listed("OLDUSDT", "OLD", "USDT", is_trading=False))

    assert found.refusal is PairOutcome.NOT_TRADING


def test_of_two_symbols_with_the_same_assets_the_trading_one_counts_in_either_order():
    old, new = listed("LUNAOLD", "LUNA", "USDT", is_trading=False), listed("LUNAUSDT", "LUNA", "USDT")

    assert first_of(resolved("LUNA/USDT", old, new)) == first_of(resolved("LUNA/USDT", new, old))
    assert first_of(resolved("LUNA/USDT", old, new))[0] == "LUNAUSDT"


def test_without_a_list_the_names_are_joined_on_trust_and_the_alias_says_so():
    without_list = [ListedAt(Binance(), None)]
    assert first_of(resolve_pair("BTC/EUR", without_list, ALIASES)) == ("BTCEUR", "EUR", False)
    assert first_of(resolve_pair("BTC/USD", without_list, ALIASES)) == ("BTCUSDT", "USDT", True)


def test_a_list_knows_which_of_its_symbols_trade():
    symbols = SymbolList([listed("BTCUSDT", "BTC", "USDT"), listed("OLDUSDT", "OLD", "USDT", is_trading=False)])

    assert [symbols.is_trading(name) for name in ("BTCUSDT", "OLDUSDT", "XYZUSDT")] == [True, False, False]
    assert len(symbols) == 2


def test_a_status_that_came_later_changes_its_symbol_and_no_other():
    before = SymbolList([listed("BTCUSDT", "BTC", "USDT"), listed("ETHUSDT", "ETH", "USDT")])
    after = before.updated([listed("ETHUSDT", "ETH", "USDT", is_trading=False)])

    assert [after.is_trading(name) for name in ("BTCUSDT", "ETHUSDT")] == [True, False]
    assert before.is_trading("ETHUSDT")

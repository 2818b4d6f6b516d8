"""Kraken's made-up market, and how it lists a pair. Dollars, euros, Tether and bitcoin are its quotes.

`SIM0001/USD` and on all trade; `OLD0001/USD` and on, one in ten, are listed and nobody trades them.
"""

import math
from collections.abc import Mapping
from typing import Any

from exchange_simulator.amounts import format_amount, unit_of
from exchange_simulator.generated import DEFAULT_SYMBOL_COUNT, Catalogue, Digits, Instrument, dollar_markets
from exchange_simulator.kraken.names import PairNames, lettered_name, names_of
from exchange_simulator.market import Listing, MarketSource, Opening
from exchange_simulator.world import FROZEN, LIVE, ZERO

NAME = "kraken"
ONLINE = "online"
STATUSES = (ONLINE, "cancel_only", "post_only", "limit_only", "reduce_only")
CURRENCY, TOKENIZED_ASSET = "currency", "tokenized_asset"
_STOCKS = frozenset({"AAPLx", "TSLAx"})
_BUSY = frozenset({"BTC", "ETH", "SOL", "XRP", "DOGE", "USDT"})
_MOST_DECIMALS = 10


def _instrument(pair: str, status: str = ONLINE, row_form: str = LIVE) -> Instrument:
    base, _, quote = pair.partition(":")[0].partition("/")
    return Instrument(pair, base, quote, status, row_form, lag_ms=20 if base in _BUSY else None)


def _quoted_in(quote: str, *bases: str) -> list[Instrument]:
    return [_instrument(f"{base}/{quote}") for base in bases]


WELL_KNOWN = (
    *_quoted_in("USD", "BTC", "ETH"),
    *_quoted_in("USDT", "BTC", "ETH"),
    *_quoted_in("USD", "USDT"),
    *_quoted_in("EUR", "BTC", "ETH"),
    *_quoted_in("USD", "SOL", "XRP", "DOGE", "ADA", "LTC", "LINK", "AVAX", "DOT", "UNI", "XLM", "TRX", "SHIB", "PEPE",
                "XMR", "ETC", "ZEC", "AAVE", "BCH", "USDC", "EUR", "GBP"),
    *_quoted_in("EUR", "SOL", "XRP", "DOGE", "LTC", "USDT"),
    *_quoted_in("USDT", "SOL", "XRP", "DOGE"),
    *_quoted_in("BTC", "ETH", "SOL", "XRP", "DOGE", "LTC"),
    *_quoted_in("USDC", "BTC", "ETH"),
    _instrument("ETH/USD:BTNL"),
    _instrument("BTC/USD:BTNL"),
    _instrument("AAPLx/USD"),
    _instrument("TSLAx/USD"),
    _instrument("CRV/EUR", row_form=ZERO),
    _instrument("MATIC/USD", row_form=ZERO),
    _instrument("LUNA/USD", status="cancel_only", row_form=FROZEN),
    _instrument("ALGO/EUR", status="post_only"),
)  # fmt: skip


def _pair_decimals(price: float) -> int:
    return min(_MOST_DECIMALS, max(1, 5 - math.floor(math.log10(price))))


def _digits(instrument: Instrument, price: float) -> Digits:
    """Write prices with some decimals more than they have, as the recordings do."""
    decimals = _pair_decimals(price)
    return Digits(unit_of(decimals), price_decimals=5 if decimals <= 3 else decimals + 2)


def make_listing(names: PairNames, row: Mapping[str, Any]) -> Listing:
    """Return a listing from a row of AssetPairs; lists of 2021 have no status."""
    pair = names.symbol.partition(":")[0]
    base, _, quote = pair.partition("/")
    status = row.get("status", ONLINE)
    return {"symbol": names.symbol, "status": status, "names": names, "base": base, "quote": quote, "row": row}


def write_listing(listing: Listing, symbol: str, status: str | None, *, has_new_names: bool) -> dict[str, Any]:
    """Return the row of AssetPairs under the name and status that the market has now."""
    names: PairNames = listing["names"] if symbol == listing["symbol"] else names_of(symbol)
    row = {**listing["row"], "altname": names.altname}
    if names.wsname is not None:
        row["wsname"] = names.wsname
        base, quote = symbol.partition(":")[0].split("/")
        row["base"], row["quote"] = (base, quote) if has_new_names else (lettered_name(base), lettered_name(quote))
        row["fee_volume_currency"] = "USD" if has_new_names else lettered_name("USD")
    if "status" in row or status != ONLINE:
        row["status"] = status
    return row


def _generated_listing(opening: Opening, status: str) -> Listing:
    symbol = opening.ticker.symbol
    names = names_of(symbol)
    decimals = len(format_amount(opening.tick, 12).rstrip("0").partition(".")[2])
    venue = {"execution_venue": "bitnomial-exchange" if ":" in symbol else "international"}
    fees = [[0, 0.4], [10_000, 0.35], [50_000, 0.24]]
    row = {
        "altname": names.altname, "wsname": names.wsname,
        "aclass_base": TOKENIZED_ASSET if opening.base in _STOCKS else CURRENCY, "base": lettered_name(opening.base),
        "aclass_quote": CURRENCY, "quote": lettered_name(opening.quote),
        "lot": "unit", "cost_decimals": 5, "pair_decimals": decimals, "lot_decimals": 8, "lot_multiplier": 1,
        "leverage_buy": [2, 3], "leverage_sell": [2, 3], "fees": fees,
        "fees_maker": [[volume, round(fee - 0.15, 2)] for volume, fee in fees], "fee_volume_currency": "ZUSD",
        "margin_call": 80, "margin_stop": 40, "ordermin": "0.00005", "costmin": "0.5",
        "tick_size": format_amount(opening.tick, decimals), "status": status, **venue,
        "long_position_limit": 80, "short_position_limit": 80,
    }  # fmt: skip
    return make_listing(names, row)


_CATALOGUE = Catalogue(NAME, WELL_KNOWN, lambda: dollar_markets(_instrument), _digits, ONLINE, _generated_listing)


def generate_market(*, symbol_count: int = DEFAULT_SYMBOL_COUNT, seed: int = 1) -> MarketSource:
    return _CATALOGUE.open(symbol_count, seed)

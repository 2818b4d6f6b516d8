"""Bitstamp's made-up market, and the two forms in which it lists a pair. Perpetuals are listed beside spot markets.

`SIM0001/USD` and on all trade; `OLD0001/USD` and on, one in ten, are listed and nobody trades them.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from exchange_simulator.amounts import parse_amount, unit_of
from exchange_simulator.bitstamp.rows import PERPETUAL, SPOT, market_type, split_symbol
from exchange_simulator.generated import DEFAULT_SYMBOL_COUNT, Catalogue, Digits, Instrument, dollar_markets
from exchange_simulator.market import Listing, MarketSource, Opening
from exchange_simulator.world import FROZEN, LIVE, ZERO

NAME = "bitstamp"
ENABLED, DISABLED = STATUSES = ("Enabled", "Disabled")
LAST_OF_A_DEAD_MARKET = "1.20000"
_BUSY = frozenset({"BTC", "ETH", "XRP", "USDT"})


def url_symbol(symbol: str) -> str:
    """Return what stands for a market in a path."""
    return symbol.replace("/", "").lower()


def _instrument(symbol: str, status: str = ENABLED, row_form: str = LIVE) -> Instrument:
    base, quote = split_symbol(symbol)
    return Instrument(symbol, base, quote, status, row_form, lag_ms=20 if base in _BUSY else None)


def _quoted_in(quote: str, *bases: str) -> list[Instrument]:
    return [_instrument(f"{base}/{quote}") for base in bases]


WELL_KNOWN = (
    *_quoted_in("USD", "BTC", "ETH"),
    *_quoted_in("USDT", "BTC", "ETH"),
    *_quoted_in("USD", "USDT"),
    *_quoted_in("EUR", "BTC", "ETH"),
    _instrument("BTC/USD-PERP"),
    _instrument("DAI/USD", row_form=ZERO),
    _instrument("ETC/EUR", status=DISABLED, row_form=FROZEN),
    *_quoted_in("USD", "XRP", "SOL", "LTC", "DOGE", "ADA", "LINK", "UNI", "AVAX", "DOT", "XLM", "SHIB", "PEPE", "AAVE",
                "ALGO", "BCH", "USDC", "EUR", "GBP"),
    *_quoted_in("EUR", "XRP", "SOL", "LTC", "USDT", "USDC"),
    *_quoted_in("USDT", "XRP"),
    *_quoted_in("BTC", "ETH", "XRP", "LTC"),
    _instrument("ETH/USD-PERP"),
)  # fmt: skip


def _with_last_of_the_dead(opening: Opening) -> Opening:
    ticker = opening.ticker
    if ticker.last:
        return opening
    dead = replace(ticker, last=parse_amount(LAST_OF_A_DEAD_MARKET), price_decimals=5, volume_decimals=5)
    return replace(opening, ticker=dead)


def _digits(instrument: Instrument, price: float) -> Digits:
    is_perpetual = market_type(instrument.symbol) == PERPETUAL
    decimals = min(8, max(0 if is_perpetual else 2, 4 - math.floor(math.log10(price))))
    return Digits(unit_of(decimals), decimals, 5 if is_perpetual else 8)


def make_listing(row: Mapping[str, Any]) -> Listing:
    """Return a listing from a row of `markets` or of `trading-pairs-info`; raise KeyError for one that is neither."""
    symbol = row["name"]
    if "market_symbol" in row:
        return {"symbol": symbol, "status": row["trading"], "row": row}
    base, quote = split_symbol(symbol)
    row = {
        "name": symbol,
        "market_symbol": row["url_symbol"],
        "base_currency": base,
        "base_decimals": row["base_decimals"],
        "counter_currency": quote,
        "counter_decimals": row["counter_decimals"],
        "minimum_order_value": row["minimum_order"].split(" ")[0],
        "trading": row["trading"],
        "instant_and_market_orders": row["instant_and_market_orders"],
        "description": row["description"],
        "market_type": SPOT,
    }
    return {"symbol": symbol, "status": row["trading"], "row": row}


def write_market(listing: Listing, symbol: str, status: str | None) -> dict[str, Any]:
    """Return the row of `markets` under the name and status that the market has now."""
    row = {**listing["row"], "trading": status}
    if symbol != listing["symbol"]:
        base, quote = split_symbol(symbol)
        row |= {"name": symbol, "market_symbol": url_symbol(symbol), "base_currency": base, "counter_currency": quote}
    return row


def write_trading_pair(listing: Listing, symbol: str, status: str | None) -> dict[str, Any]:
    """Return the row of `trading-pairs-info`, the older form, which knows spot markets alone."""
    market = write_market(listing, symbol, status)
    return {
        "trading": market["trading"],
        "base_decimals": market["base_decimals"],
        "url_symbol": market["market_symbol"],
        "name": market["name"],
        "instant_and_market_orders": market["instant_and_market_orders"],
        "minimum_order": f"{market['minimum_order_value']} {market['counter_currency']}",
        "counter_decimals": market["counter_decimals"],
        "description": market["description"],
    }


def _generated_listing(opening: Opening, status: str) -> Listing:
    symbol, kind = opening.ticker.symbol, market_type(opening.ticker.symbol)
    row = {
        "name": symbol,
        "market_symbol": url_symbol(symbol),
        "base_currency": opening.base,
        "base_decimals": opening.ticker.volume_decimals,
        "counter_currency": opening.quote,
        "counter_decimals": opening.ticker.price_decimals,
        "minimum_order_value": "10.0",
        "trading": status,
        "instant_order_counter_decimals": 2,
        "instant_and_market_orders": status,
        "description": f"{opening.base} / {opening.quote}" + (" Perpetual" if kind == PERPETUAL else ""),
        "market_type": kind,
    }
    return make_listing(row if kind == SPOT else {**row, "payoff_type": "Linear", "contract_size": "1.00000000"})


_CATALOGUE = Catalogue(NAME, WELL_KNOWN, lambda: dollar_markets(_instrument), _digits, ENABLED, _generated_listing)


def generate_market(*, symbol_count: int = DEFAULT_SYMBOL_COUNT, seed: int = 1) -> MarketSource:
    source = _CATALOGUE.open(symbol_count, seed)
    return replace(source, openings=[_with_last_of_the_dead(opening) for opening in source.openings])

"""Binance's made-up market: well-known names, then as many simulated ones as are wanted. No quote is USD.

Which symbols there are depends on the number asked for alone; their figures depend on the seed.
`SIM0001USDT` and on all trade; `OLD0001USDT` and on, one in ten, are delisted, by turns in either form.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from exchange_simulator.amounts import UNITS_PER_ONE, format_amount, unit_of
from exchange_simulator.generated import DEFAULT_SYMBOL_COUNT, Catalogue, Digits, Instrument, simulated_names
from exchange_simulator.market import MarketSource, Opening
from exchange_simulator.world import FROZEN, LIVE, ZERO

NAME = "binance"
TRADING = "TRADING"
TWO_DECIMAL_QUOTES = frozenset({"IDRT"})


def _instrument(
    base: str, quote: str, status: str = TRADING, row_form: str = LIVE, lag_ms: int | None = None
) -> Instrument:
    return Instrument(base + quote, base, quote, status, row_form, lag_ms)


WELL_KNOWN = (
    *(_instrument(base, "USDT", lag_ms=20) for base in ("BTC", "ETH", "SHIB", "DOGE", "SOL", "BNB", "XRP", "ADA")),
    _instrument("XMR", "USDT", status="BREAK", row_form=FROZEN),
    _instrument("BUSD", "USDT", status="BREAK", row_form=ZERO),
    _instrument("LUNA", "USDT", status="HALT", row_form=FROZEN),
    _instrument("HOT", "BTC", lag_ms=1_900_000),
    *(
        _instrument(base, "USDT")
        for base in ("币安人生", "1000SATS", "1INCH", "T", "PEPE", "LTC", "TRX", "LINK", "AVAX", "DOT", "UNI", "XLM",
                     "USDC", "EUR")
    ),
    *(_instrument(base, "BTC") for base in ("ETH", "BNB", "SOL")),
    _instrument("BTC", "EUR"),
    _instrument("ETH", "EUR"),
    *(_instrument("BTC", quote) for quote in ("USDC", "FDUSD", "TRY", "BRL", "IDRT")),
)  # fmt: skip


def _simulated() -> Iterator[Instrument]:
    for base, is_trading, number in simulated_names():
        if is_trading:
            yield _instrument(base, "USDT")
        else:
            yield _instrument(base, "USDT", status="BREAK", row_form=ZERO if number % 2 == 0 else FROZEN)


def _digits(instrument: Instrument, price: float) -> Digits:
    """Make a price step of about a ten-thousandth of the price: 10^-8 for the tiniest, at most one."""
    if instrument.quote in TWO_DECIMAL_QUOTES:
        return Digits(UNITS_PER_ONE, price_decimals=2, quote_volume_decimals=2)
    decimals = 4 - math.floor(math.log10(price)) + (price > 1000)
    return Digits(unit_of(min(8, max(0, decimals))))


def _listing(opening: Opening, status: str) -> dict[str, Any]:
    tick = format_amount(opening.tick)
    return {
        "symbol": opening.ticker.symbol, "status": status,
        "baseAsset": opening.base, "baseAssetPrecision": 8,
        "quoteAsset": opening.quote, "quotePrecision": 8, "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": True, "ocoAllowed": True, "otoAllowed": True,
        "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True, "cancelReplaceAllowed": True,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "9000000000.00000000", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
            {
                "filterType": "NOTIONAL", "minNotional": "5.00000000", "applyMinToMarket": True,
                "maxNotional": "9000000.00000000", "applyMaxToMarket": False, "avgPriceMins": 5,
            },
        ],
        "permissions": [], "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }  # fmt: skip


_CATALOGUE = Catalogue(NAME, WELL_KNOWN, _simulated, _digits, TRADING, _listing)
_RATE_LIMITS = (
    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
)


def instruments(symbol_count: int) -> list[Instrument]:
    """Return the first `symbol_count` symbols: BTCUSDT, ETHUSDT and the other well-known ones come first."""
    return _CATALOGUE.instruments(symbol_count)


def generate_market(*, symbol_count: int = DEFAULT_SYMBOL_COUNT, seed: int = 1) -> MarketSource:
    return replace(_CATALOGUE.open(symbol_count, seed), rate_limits=_RATE_LIMITS)

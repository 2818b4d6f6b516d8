"""A made-up market: well-known names at plausible prices, then as many simulated ones as are wanted.

Which symbols there are depends on the number asked for alone; their figures depend on the seed.
`SIM0001USDT` and on all trade; `OLD0001USDT` and on, one in ten, are delisted, by turns in either form.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from random import Random
from typing import Any

from exchange_simulator.amounts import UNITS_PER_ONE, format_amount
from exchange_simulator.market import TRADING, MarketSource, Opening
from exchange_simulator.tickers import DAY_MS, Ticker
from exchange_simulator.world import FROZEN, LIVE, ZERO, in_row_form

DEFAULT_SYMBOL_COUNT = 60
BUSY_PERIOD_MS = 50
ONE_WEEK_MS = 7 * DAY_MS
TWO_DECIMAL_QUOTES = frozenset({"IDRT"})


@dataclass(frozen=True)
class Instrument:
    """One line of the made-up market; `lag_ms` fixes how long ago the last event was at the start."""

    base: str
    quote: str
    price: float
    status: str = TRADING
    row_form: str = LIVE
    lag_ms: int | None = None

    @property
    def symbol(self) -> str:
        return self.base + self.quote


WELL_KNOWN = (
    Instrument("BTC", "USDT", 43_250.0, lag_ms=20),
    Instrument("ETH", "USDT", 2_650.0, lag_ms=20),
    Instrument("SHIB", "USDT", 0.00002417, lag_ms=20),
    Instrument("DOGE", "USDT", 0.08231, lag_ms=20),
    Instrument("SOL", "USDT", 101.2, lag_ms=20),
    Instrument("BNB", "USDT", 312.0, lag_ms=20),
    Instrument("XRP", "USDT", 0.5231, lag_ms=20),
    Instrument("ADA", "USDT", 0.5132, lag_ms=20),
    Instrument("XMR", "USDT", 113.4, status="BREAK", row_form=FROZEN),
    Instrument("BUSD", "USDT", 1.0, status="BREAK", row_form=ZERO),
    Instrument("LUNA", "USDT", 0.0002, status="HALT", row_form=FROZEN),
    Instrument("HOT", "BTC", 0.00000004, lag_ms=1_900_000),
    Instrument("币安人生", "USDT", 0.1234),
    Instrument("1000SATS", "USDT", 0.0002214),
    Instrument("1INCH", "USDT", 0.4121),
    Instrument("T", "USDT", 0.02451),
    Instrument("PEPE", "USDT", 0.00000121),
    Instrument("LTC", "USDT", 71.4),
    Instrument("TRX", "USDT", 0.1174),
    Instrument("LINK", "USDT", 18.62),
    Instrument("AVAX", "USDT", 39.3),
    Instrument("DOT", "USDT", 7.21),
    Instrument("UNI", "USDT", 7.44),
    Instrument("XLM", "USDT", 0.1121),
    Instrument("USDC", "USDT", 1.0001),
    Instrument("EUR", "USDT", 1.0812),
    Instrument("ETH", "BTC", 0.06127),
    Instrument("BNB", "BTC", 0.007214),
    Instrument("SOL", "BTC", 0.00234),
    Instrument("BTC", "EUR", 40_001.0),
    Instrument("ETH", "EUR", 2_451.0),
    Instrument("BTC", "USDC", 43_246.0),
    Instrument("BTC", "FDUSD", 43_251.0),
    Instrument("BTC", "TRY", 1_331_000.0),
    Instrument("BTC", "BRL", 214_300.0),
    Instrument("BTC", "IDRT", 682_448_588.0),
)


def _simulated_names() -> Iterator[Instrument]:
    for number in count(1):
        yield Instrument(f"SIM{number:04d}", "USDT", 10.0 ** (number % 9 - 5) * 1.37)
        if number % 10 == 0:
            form = ZERO if number % 20 == 0 else FROZEN
            yield Instrument(f"OLD{number // 10:04d}", "USDT", 0.37, status="BREAK", row_form=form)


def instruments(symbol_count: int) -> list[Instrument]:
    """Return the first `symbol_count` symbols: BTCUSDT, ETHUSDT and the other well-known ones come first."""
    known = list(WELL_KNOWN[:symbol_count])
    return known + list(islice(_simulated_names(), symbol_count - len(known)))


def generate_market(*, symbol_count: int = DEFAULT_SYMBOL_COUNT, seed: int = 1) -> MarketSource:
    chosen = instruments(symbol_count)
    return MarketSource(
        openings=[_opening(instrument, Random(f"{seed}:{instrument.symbol}")) for instrument in chosen],
        listings=[_listing(instrument) for instrument in chosen],
        rate_limits=(
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 100},
            {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200_000},
            {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
        ),
    )


def _tick(instrument: Instrument) -> int:
    """Return a price step of about a ten-thousandth of the price: 10^-8 for the tiniest, at most one."""
    if instrument.quote in TWO_DECIMAL_QUOTES:
        return UNITS_PER_ONE
    exponent = math.floor(math.log10(instrument.price * UNITS_PER_ONE)) - 4
    tick: int = 10 ** min(8, max(0, exponent - 1 if instrument.price > 1000 else exponent))
    return tick


def _opening(instrument: Instrument, random: Random) -> Opening:
    tick = _tick(instrument)

    def on_tick(price: float) -> int:
        return max(tick, round(price * UNITS_PER_ONE / tick) * tick)

    last = on_tick(instrument.price * math.exp(random.gauss(0, 0.01)))
    first = on_tick(last / UNITS_PER_ONE * math.exp(random.gauss(0, 0.03)))
    high = on_tick(max(first, last) / UNITS_PER_ONE * (1 + abs(random.gauss(0, 0.01))))
    low = on_tick(min(first, last) / UNITS_PER_ONE * (1 - min(0.5, abs(random.gauss(0, 0.01)))))
    low, high = min(low, first, last), max(high, first, last)
    average = (first + high + low + last) // 4
    volume = round(math.exp(random.gauss(15, 1.5)) / instrument.price) * UNITS_PER_ONE or UNITS_PER_ONE
    trades = max(1, round(math.exp(random.gauss(10, 1))))
    first_id = random.randrange(1_000_000, 900_000_000)
    period_ms, lag_ms = _event_times(instrument, random)
    is_coarse = instrument.quote in TWO_DECIMAL_QUOTES
    ticker = Ticker(
        symbol=instrument.symbol, open=first, high=high, low=low, last=last,
        weighted_average=average, previous_close=first,
        last_quantity=volume // trades or 1, bid=max(tick, last - tick), bid_quantity=volume // 900 or 1,
        ask=last + tick, ask_quantity=volume // 1100 or 1,
        volume=volume, quote_volume=volume * average // UNITS_PER_ONE,
        open_time_ms=-lag_ms - DAY_MS, close_time_ms=-lag_ms,
        first_id=first_id, last_id=first_id + trades - 1, count=trades,
        price_decimals=2 if is_coarse else 8, quote_volume_decimals=2 if is_coarse else 8,
    )  # fmt: skip
    return Opening(in_row_form(ticker, instrument.row_form), as_of_ms=0, period_ms=period_ms)


def _event_times(instrument: Instrument, random: Random) -> tuple[int, int]:
    """Return the time between two events and the age of the latest one, in ms.

    Most symbols have an event every second, about a third lag by seconds, a few by minutes.
    """
    if instrument.row_form != LIVE:
        return ONE_WEEK_MS, ONE_WEEK_MS // 2
    if instrument.lag_ms is not None:
        return max(BUSY_PERIOD_MS, 2 * instrument.lag_ms), instrument.lag_ms
    shortest, longest = random.choices(((100, 2_000), (6_000, 50_000), (60_000, 600_000)), weights=(62, 33, 5))[0]
    period_ms = random.randrange(shortest, longest)
    return period_ms, random.randrange(period_ms)


def _listing(instrument: Instrument) -> dict[str, Any]:
    tick = format_amount(_tick(instrument))
    return {
        "symbol": instrument.symbol, "status": instrument.status,
        "baseAsset": instrument.base, "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote, "quotePrecision": 8, "quoteAssetPrecision": 8,
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

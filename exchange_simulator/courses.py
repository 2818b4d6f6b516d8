"""How a market's price moves with time: in step with its assets, or on from where it was recorded."""

import math
from collections.abc import Callable

from exchange_simulator.assets import Assets
from exchange_simulator.tickers import DAY_MS, Ticker
from exchange_simulator.wander import Wander

Course = Callable[[int], float]
"""A price by the time since the start in ms, negative before it; of recordings, in proportion to the recorded one."""


def asset_course(assets: Assets, exchange: str, base: str, quote: str) -> Course:
    difference = assets.difference(exchange, base) / assets.difference(exchange, quote)

    def price(ms: int) -> float:
        return assets.dollars(base, ms) / assets.dollars(quote, ms) * difference

    return price


def recorded_course(ticker: Ticker, lag_ms: int, seed: int) -> Course:
    """Pass through the recorded opening price, where there is one, and stay within the recorded day until its end."""
    wander = Wander(f"{seed}:{ticker.symbol}:price")
    start = wander.at(0)
    least, most = math.log(max(1, ticker.low) / ticker.last), math.log(max(ticker.high, ticker.last) / ticker.last)
    bend = math.log(ticker.open / ticker.last) - wander.at(-DAY_MS) + start if ticker.open else 0.0

    def price(ms: int) -> float:
        since_ms = ms + lag_ms
        moved = wander.at(since_ms) - start
        if since_ms < 0:
            moved = min(most, max(least, moved + bend * min(1.0, -since_ms / DAY_MS)))
        return math.exp(moved)

    return price

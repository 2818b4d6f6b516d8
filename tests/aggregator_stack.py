"""The real aggregator between a fake exchange and a fake cache, for tests of its rules together."""

import json

from market_data.ticker.outcome import PairOutcome
from tests.fakes import (
    ONE_HOST,
    FakeExchange,
    MemoryTickerCache,
    MovableClock,
    aggregator_of,
    app_settings,
    at_once,
    listed,
)

TOKEN = "the active fetcher"


class Stack:
    """The real aggregator between a fake exchange and a fake cache."""

    def __init__(self, pairs, symbols=None, start_request=at_once, **values):
        self.clock = MovableClock()
        self.settings = app_settings(TRADING_PAIRS=json.dumps(pairs), **ONE_HOST | values)
        self.exchange = FakeExchange(self.clock, symbols or [listed(p.replace("/", ""), *p.split("/")) for p in pairs])
        self.cache = MemoryTickerCache(self.clock)
        self.cache.give_lease_to(TOKEN, 3600)
        self.aggregator = aggregator_of(
            self.clock, self.exchange, self.cache, self.settings, TOKEN, start_request=start_request
        )

    def refresh(self):
        return self.aggregator.get_market_data(self.settings.trading_pairs, max_age_ms=0).cycle

    def cached(self):
        return self.cache.read(self.settings.trading_pairs).current


def pairs_of(count):
    return [f"A{number}/USDT" for number in range(count)]


def outcomes_but_ok(report):
    return {pair: outcome for pair, outcome in report.outcomes.items() if outcome is not PairOutcome.OK}

"""`GET pairs`: the configured pairs as the exchange that delivers each knows them, and who stands by. Pure."""

from collections.abc import Mapping
from typing import Any

from market_data.conf.declarations import MarketDataSettings
from market_data.ticker.pairs import split_pair
from market_data.ticker_cache.status import FetcherStatus, PairStatus


def pairs_content(status: FetcherStatus | None, settings: MarketDataSettings) -> dict[str, Any]:
    """Return the body of `pairs`; what no fetcher has resolved yet has no symbol and no outcome."""
    known = status.pairs if status else {}
    return {"pairs": [_row(pair, known) for pair in settings.trading_pairs]}


def _row(pair: str, known: Mapping[str, PairStatus]) -> dict[str, Any]:
    base_asset, quote_asset = split_pair(pair)
    status = known.get(pair)
    return {
        "pair": pair,
        "symbol": status.symbol if status else None,
        "baseAsset": status.base_asset if status else base_asset,
        "quoteAsset": status.quote_asset if status else quote_asset,
        "isQuoteAlias": status.is_quote_alias if status else False,
        "outcome": status.outcome if status else None,
        "exchange": status.exchange if status else None,
        "standingBy": status.standing_by if status else (),
        "insteadOf": status.instead_of if status else None,
        "aliasRate": float(status.alias_rate) if status and status.alias_rate is not None else None,
        "aliasRateExchange": status.alias_rate_exchange if status else None,
    }

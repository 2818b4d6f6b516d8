"""The inspection as a whole, which the admin's page and `manage.py market_status` show. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from market_data.conf.declarations import MarketDataSettings
from market_data.conf.problems import Problem
from market_data.inspection.facts import Section
from market_data.inspection.health import health_content, unhealthy_content
from market_data.inspection.pair_rows import PairRow, pair_rows
from market_data.inspection.redis_section import redis_section, unreachable_redis_section
from market_data.inspection.sections import (
    MAIN_EXCHANGE_KEYS,
    clock_section,
    exchange_sections,
    write_side_sections,
)
from market_data.inspection.setting_rows import SettingRow
from market_data.inspection.words import instant_text
from market_data.ticker_cache.clock import ClockStatus
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.server import CacheLives
from market_data.ticker_cache.status import FetcherReading

_json = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True)
class CacheFacts:
    """Everything that one inspection reads from Redis, its time, and the server's address without a password."""

    prices: CacheReading
    fetcher: FetcherReading
    lives: CacheLives
    server: Mapping[str, Any]
    address: str
    now_ms: int
    own_clock: ClockStatus


@dataclass(frozen=True)
class Inspection:
    """Configuration and state at one instant. `status` is `healthy`, `degraded` or `unhealthy`, as in `health`."""

    at_ms: int
    status: str
    reasons: Sequence[str]
    settings: Sequence[SettingRow]
    pairs: Sequence[PairRow]
    sections: Sequence[Section]
    exchanges: Sequence[Section] = ()
    """Of each exchange; `sections` has the one that delivers most pairs in the parts that it had from the beginning."""

    @property
    def shown_sections(self) -> Sequence[Section]:
        """What people see: each exchange once."""
        if len(self.exchanges) < 2:
            return self.sections
        first = next(index for index, section in enumerate(self.sections) if section.key in MAIN_EXCHANGE_KEYS)
        others = [section for section in self.sections if section.key not in MAIN_EXCHANGE_KEYS]
        return [*others[:first], *self.exchanges, *others[first:]]

    @property
    def at_text(self) -> str:
        return instant_text(self.at_ms, self.at_ms).partition(",")[0]

    @property
    def pair_counts(self) -> Mapping[str, int]:
        """How many pairs are in each state, those that occur."""
        states = [row.state for row in self.pairs]
        return {str(state): states.count(state) for state in dict.fromkeys(states)}

    def encode(self) -> bytes:
        """Return the inspection as JSON in one line; prices keep the exchange's digits."""
        return _json.encode(
            {
                "status": self.status,
                "reasons": self.reasons,
                "at": self.at_ms,
                **{section.key: section.values for section in self.sections},
                "exchanges": {section.key: section.values for section in self.exchanges},
                "pairs": [_pair_content(row) for row in self.pairs],
                "settings": [_setting_content(row) for row in self.settings],
            }
        )


def inspection_of(
    read: CacheFacts, rows: Sequence[SettingRow], versions: Section, settings: MarketDataSettings
) -> Inspection:
    """Return what can be said where Redis answers."""
    now_ms = read.now_ms
    health = health_content(read.prices, read.fetcher, now_ms, read.own_clock, settings)
    holder = health["aggregator"]["lease"]["holder"]
    return Inspection(
        at_ms=now_ms,
        status=health["status"],
        reasons=health["reasons"],
        settings=rows,
        pairs=pair_rows(read.prices, read.fetcher.status, read.lives, now_ms, settings),
        sections=[
            *write_side_sections(read.fetcher, read.lives, holder, now_ms, settings),
            clock_section(read.fetcher.status, read.own_clock),
            redis_section(read.address, read.server),
            versions,
        ],
        exchanges=exchange_sections(read.fetcher.status, now_ms),
    )


def inspection_without_cache(
    reason: str,
    address: str,
    rows: Sequence[SettingRow],
    versions: Section,
    settings: MarketDataSettings,
    now_ms: int,
) -> Inspection:
    """Return what can be said where Redis does not answer."""
    reasons = unhealthy_content(reason, settings)["reasons"]
    sections = [unreachable_redis_section(address, reason), versions]
    return Inspection(now_ms, "unhealthy", reasons, rows, (), sections)


def inspection_of_broken_settings(
    problems: Sequence[Problem], rows: Sequence[SettingRow], versions: Section, now_ms: int
) -> Inspection:
    """Return what can be said where the settings cannot work, so that nothing is read with them."""
    reasons = [str(problem) for problem in problems if problem.is_error]
    return Inspection(now_ms, "unhealthy", reasons, rows, (), [versions])


def _pair_content(row: PairRow) -> Mapping[str, Any]:
    return {
        "pair": row.pair,
        "symbol": row.symbol,
        "quoteAsset": row.quote_asset,
        "isQuoteAlias": row.is_quote_alias,
        "outcome": row.outcome,
        "state": str(row.state),
        "price": row.price,
        "timestamp": row.received_at_ms,
        "ageMs": row.age_ms,
        "lifeMs": row.life_ms,
        "exchange": row.exchange,
        "insteadOf": row.instead_of,
        "standingBy": row.standing_by,
        "aliasRate": row.alias_rate,
        "aliasRateExchange": row.alias_rate_exchange,
    }


def _setting_content(row: SettingRow) -> Mapping[str, Any]:
    return {
        "name": row.name,
        "value": row.value,
        "default": row.default,
        "source": row.source,
        "unit": row.unit,
        "meaning": row.meaning,
        "verdict": row.verdict,
        "problems": row.problems,
    }

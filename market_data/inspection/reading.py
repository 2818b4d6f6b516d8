"""Reads what an inspection needs, from the settings and from Redis, and from nowhere else."""

import os
import time
from typing import Any

from django.conf import settings as django_settings

from market_data.checks import all_problems
from market_data.conf.declarations import SETTINGS, MarketDataSettings
from market_data.conf.loading import given, load_from_django
from market_data.conf.problems import Problem
from market_data.inspection.inspection import (
    CacheFacts,
    Inspection,
    inspection_of,
    inspection_of_broken_settings,
    inspection_without_cache,
)
from market_data.inspection.setting_rows import SettingRow, SiteSettings, setting_rows
from market_data.inspection.versions import versions_section
from market_data.ticker_cache.cache import TickerCache, open_ticker_cache
from market_data.ticker_cache.errors import CacheUnavailableError


def read_inspection() -> Inspection:
    """Return configuration and state as they are now; a Redis that is away is a state, too."""
    loaded = load_from_django()
    problems = all_problems(loaded)
    rows = _setting_rows(problems)
    if loaded.settings is None or any(problem.is_error for problem in problems):
        return inspection_of_broken_settings(problems, rows, versions_section(), time.time_ns() // 1_000_000)
    cache = open_ticker_cache()
    try:
        facts = _read(cache, loaded.settings)
    except CacheUnavailableError as error:
        return inspection_without_cache(
            str(error), cache.address, rows, versions_section(loaded.settings), loaded.settings, cache.clock.now_ms()
        )
    return inspection_of(facts, rows, versions_section(loaded.settings), loaded.settings)


def _read(cache: TickerCache, settings: MarketDataSettings) -> CacheFacts:
    pairs = settings.trading_pairs
    return CacheFacts(
        prices=cache.read(pairs, include_last_known=True),
        fetcher=cache.read_fetcher(),
        lives=cache.read_lives(pairs),
        server=cache.read_server(),
        address=cache.address,
        now_ms=cache.clock.now_ms(),
        own_clock=cache.clock.status(),
    )


def _setting_rows(problems: tuple[Problem, ...]) -> list[SettingRow]:
    site: SiteSettings = getattr(django_settings, "MARKET_DATA_SITE_SETTINGS", SiteSettings())

    def given_to_app(name: str) -> tuple[Any, str]:
        value, source = given(name)
        return value, site.sources.get(name, source) if source == "environment" else source

    def given_to_site(name: str) -> tuple[Any, str]:
        return os.environ.get(name), site.sources.get(name, "environment")

    return setting_rows(SETTINGS.values(), given_to_app, problems) + setting_rows(site.declared, given_to_site, ())

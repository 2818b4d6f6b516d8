"""`manage.py run_market_fetcher`: arguments, wiring, signals."""

import dataclasses
import random
import signal
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from market_data.conf.declarations import SETTINGS, MarketDataSettings
from market_data.conf.loading import get_settings
from market_data.conf.rules import contradictions
from market_data.fetcher.shutdown import WorkFailedError, run_until_stopped
from market_data.fetcher.systemd import ServiceNotifier
from market_data.fetcher.wiring import build_fetcher
from market_data.management.streams import let_go_of_unwritable_streams
from market_data.ticker.clock import Clock
from market_data.ticker_cache.cache import open_ticker_cache
from market_data.ticker_cache.errors import CacheUnavailableError


class Command(BaseCommand):
    help = "Fetch the configured pairs from the exchange into Redis, at a fixed rate, until SIGTERM or SIGINT."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--interval-ms", help="start to start, instead of MARKET_DATA_FETCH_INTERVAL_MS")
        parser.add_argument("--once", action="store_true", help="run one cycle; exit 0 if at least one pair is fresh")

    def handle(self, *args: Any, **options: Any) -> None:
        settings = _with_interval(get_settings(), options["interval_ms"])
        if not settings.trading_pairs:
            raise CommandError('TRADING_PAIRS is empty. Write for example TRADING_PAIRS=["BTC/USDT","ETH/USDT"]')
        notifier = ServiceNotifier()
        should_stop = _StopFlag()
        try:
            is_fresh = run_until_stopped(
                partial(_fetch, settings, notifier, should_stop, once=options["once"]),
                should_stop=partial(_is_told_to_stop, should_stop, notifier),
                # Half of a request's time-out, so that the whole stop stays within it on a busy machine, too.
                patience_seconds=settings.cycle_deadline_ms / 2000,
                monotonic=time.monotonic,
            )
        except WorkFailedError:
            raise CommandError("The fetcher has ended by an error: see the lines above.") from None
        finally:
            let_go_of_unwritable_streams()
        if options["once"] and not is_fresh:
            raise CommandError("No pair is fresh: see the lines above for the reason.")


def _fetch(
    settings: MarketDataSettings, notifier: ServiceNotifier, should_stop: Callable[[], bool], *, once: bool
) -> bool | None:
    """Build a fetcher and run it; return whether a pair is fresh after one cycle, None after many."""
    cache = open_ticker_cache()
    with suppress(CacheUnavailableError):
        cache.read_fetcher()  # with an answer of Redis, what the fetcher says of its start is by that clock, too
    fetcher = build_fetcher(
        settings,
        cache,
        clock=Clock(time.monotonic, cache.clock.stamp_ms, time.sleep),
        chance=random.random,
        should_stop=should_stop,
        notifier=notifier,
    )
    if once:
        return fetcher.run_once()
    fetcher.run()
    return None


class _StopFlag:
    """True from the first SIGTERM or SIGINT on. The handler sets a plain attribute and nothing else."""

    def __init__(self) -> None:
        self._is_set = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._set)

    def _set(self, number: int, frame: FrameType | None) -> None:
        self._is_set = True

    def __call__(self) -> bool:
        return self._is_set


def _is_told_to_stop(should_stop: _StopFlag, notifier: ServiceNotifier) -> bool:
    """Pass the flag on, and the word that it is set, from the thread that no call can hold up."""
    if should_stop():
        notifier.stopping()
        return True
    return False


def _with_interval(settings: MarketDataSettings, interval_ms: str | None) -> MarketDataSettings:
    if interval_ms is None:
        return settings
    try:
        interval = SETTINGS["fetch_interval_ms"].parse(interval_ms)
    except ValueError as error:
        raise CommandError(f"--interval-ms: {error}. Write for example --interval-ms 4000") from None
    changed = dataclasses.replace(settings, fetch_interval_ms=interval)
    errors = [str(problem) for problem in contradictions(changed) if problem.is_error]
    if errors:
        raise CommandError("\n".join(errors))
    return changed

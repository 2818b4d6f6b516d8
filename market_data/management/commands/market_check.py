"""`manage.py market_check`: arguments, one question to the exchange, exit code."""

import random
import sys
import time
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from market_data.aggregator.configuration_check import ConfigurationReport, NoHostAnswersError, check_configuration
from market_data.aggregator.wiring import build_http
from market_data.conf.declarations import MarketDataSettings
from market_data.conf.loading import get_settings
from market_data.exchanges.errors import ExchangeError, RateLimitedError
from market_data.inspection.words import instant_text
from market_data.management.check_report import is_all_well, report_lines
from market_data.ticker.clock import Clock
from market_data.ticker_cache.cache import open_ticker_cache
from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.status import FetcherStatus

NOT_ALL_WELL, NOT_ANSWERED = 1, 2


class Command(BaseCommand):
    help = (
        "Ask the exchange once for its list of symbols, and tell which configured pairs it does not know or does not "
        "trade, which are priced in an alias, and how much request weight a minute the configuration will use. "
        "Exit code: 0 every pair can be priced, 1 something has to change (a pair cannot be priced, the weight comes "
        "near the limit, a setting cannot work), 2 the exchange could not be asked. "
        "During a ban that a fetcher has met nothing is asked."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        settings = get_settings()
        if not settings.trading_pairs:
            raise CommandError('TRADING_PAIRS is empty. Write for example TRADING_PAIRS=["BTC/USDT","ETH/USDT"]')
        report = _ask(settings, self._last_report())
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")  # a pair's name may have letters that the terminal has not
        self.stdout.write("\n".join(report_lines(report)))
        if not is_all_well(report):
            sys.exit(NOT_ALL_WELL)

    def _last_report(self) -> FetcherStatus | None:
        try:
            return open_ticker_cache().read_fetcher().status
        except CacheUnavailableError as error:
            self.stderr.write(f"The cache cannot be reached, so a ban would not be known here: {error}.")
            return None


def _ask(settings: MarketDataSettings, status: FetcherStatus | None) -> ConfigurationReport:
    clock = Clock(time.monotonic, open_ticker_cache().clock.now_ms, time.sleep)
    http = build_http(settings, clock)
    try:
        return check_configuration(settings, status, http, clock, random.random)
    except NoHostAnswersError as error:
        faults = "".join(f"  - {fault}\n" for fault in error.faults)
        _give_up(
            f"No host of the exchange could be asked:\n{faults}"
            "Look at name resolution, firewall and proxy of this machine, and at BINANCE_API_BASE_URL and "
            "BINANCE_API_FALLBACK_URLS."
        )
    except RateLimitedError as error:
        until = instant_text(clock.now_ms() + round(error.retry_after_seconds * 1000), clock.now_ms())
        _give_up(f"The exchange wants no request now: {error}. Try again after {until}.")
    except ExchangeError as error:
        _give_up(f"The exchange refused the request: {error}.")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        http.close()


def _give_up(message: str) -> NoReturn:
    raise CommandError(message, returncode=NOT_ANSWERED)

"""Builds the aggregator from settings, a clock and chance: for the commands, the tests and the simulation alike."""

from collections.abc import Callable, Mapping
from functools import partial

from market_data.aggregator import arrivals, symbol_book
from market_data.aggregator.cycle import RefreshCycle
from market_data.aggregator.day_ago import DayAgoPrices
from market_data.aggregator.history import PriceHistory
from market_data.aggregator.latest_records import LatestRecords
from market_data.aggregator.movement import Movement
from market_data.aggregator.quarantine import Quarantine
from market_data.aggregator.service import MarketDataAggregator
from market_data.aggregator.symbol_book import BackgroundJob, SymbolBook
from market_data.aggregator.symbol_schedule import SymbolSchedule
from market_data.aggregator.symbols import doubt_about
from market_data.aggregator.venue import Venue
from market_data.conf.declarations import MarketDataSettings
from market_data.exchanges.backoff import ExponentialBackoff
from market_data.exchanges.binance.exchange import Binance
from market_data.exchanges.bitstamp.exchange import Bitstamp
from market_data.exchanges.circuit_breaker import CircuitBreaker
from market_data.exchanges.gateway import ExchangeGateway, HttpGet
from market_data.exchanges.hosts import HostPool
from market_data.exchanges.http import HttpClient
from market_data.exchanges.kraken.exchange import Kraken
from market_data.exchanges.protocol import Exchange
from market_data.exchanges.request_weight import RequestWeightBudget
from market_data.exchanges.waits import Waits
from market_data.ticker.clock import Clock
from market_data.ticker_cache.cache import TickerCache

EXCHANGES: Mapping[str, Callable[[], Exchange]] = {"binance": Binance, "kraken": Kraken, "bitstamp": Bitstamp}

Chance = Callable[[], float]
"""Returns numbers from 0 up to 1."""

OUTAGE_WAIT_SECONDS = (2.0, 24.0)
"""First and longest wait after failures, of the circuit and of the fetcher.

A failed refresh must be made up for before any price expires, so waits begin short and stay below half a minute.
"""
# From the exchange's return to a fresh price: a probe that still failed, the wait after it, the next answer.
_RECOVERY_SECONDS = 28.0
_FAILURES_UNTIL_OPEN = 3
_RATE_LIMIT_FLOOR_SECONDS = (10.0, 120.0)
_HOST_REST_SECONDS = (10.0, 300.0)
_QUARANTINE_SECONDS = (60.0, 3600.0)
_LIST_RETRY_SECONDS = (10.0, 300.0)


def build_aggregator(
    settings: MarketDataSettings,
    cache: TickerCache,
    token: str,
    *,
    clock: Clock,
    chance: Chance,
    http: HttpGet | None = None,
    start_request: arrivals.Start = arrivals.on_a_thread,
    start_listing: Callable[[Callable[[], None]], BackgroundJob] = symbol_book.on_a_thread,
) -> MarketDataAggregator:
    """Return an aggregator that writes under the lease `token`; `http` is a new client where left out."""
    venues = {
        name: build_venue(
            settings,
            EXCHANGES[name](),
            clock=clock,
            chance=chance,
            http=http,
            start_listing=start_listing,
        )
        for name in settings.exchange_names
    }
    latest, history = LatestRecords(), PriceHistory(cache, token, clock.monotonic)
    cycle = RefreshCycle(
        venues,
        cache,
        token,
        settings=settings,
        latest=latest,
        history=history,
        clock=clock,
        start_request=start_request,
    )
    return MarketDataAggregator(venues, cycle, cache, settings=settings, latest=latest, history=history, clock=clock)


def build_venue(
    settings: MarketDataSettings,
    exchange: Exchange,
    *,
    clock: Clock,
    chance: Chance,
    http: HttpGet | None,
    start_listing: Callable[[Callable[[], None]], BackgroundJob] = symbol_book.on_a_thread,
) -> Venue:
    """Return an exchange with its connections, hosts, list of symbols and quarantine: all that no other shares."""
    urls = settings.exchange_urls(exchange.name)
    gateway = build_gateway(settings, exchange, urls, clock=clock, chance=chance, http=http)
    retry = ExponentialBackoff(*_LIST_RETRY_SECONDS, chance)
    # Only where no other exchange can have the pairs is a first list without most of them suspicious.
    wanted = settings.trading_pairs if len(settings.exchange_names) == 1 else ()
    symbols = SymbolBook(
        exchange,
        gateway,
        schedule=SymbolSchedule(retry),
        distrust=partial(doubt_about, pairs=settings.trading_pairs, wanted=wanted, aliases=settings.quote_aliases),
        clock=clock,
        start=start_listing,
    )
    return Venue(
        exchange,
        gateway,
        symbols,
        Quarantine(wait=ExponentialBackoff(*_QUARANTINE_SECONDS, chance), monotonic=clock.monotonic),
        DayAgoPrices(exchange, gateway, retry=retry, clock=clock, start=start_listing),
        Movement(clock.monotonic),
    )


def build_gateway(
    settings: MarketDataSettings,
    exchange: Exchange,
    urls: tuple[str, ...],
    *,
    clock: Clock,
    chance: Chance,
    http: HttpGet | None = None,
) -> ExchangeGateway:
    """Return the way out to these hosts of the exchange."""
    monotonic = clock.monotonic
    first_wait, longest_wait = OUTAGE_WAIT_SECONDS
    longest_wait = min(longest_wait, _RECOVERY_SECONDS - settings.cycle_deadline_ms / 1000)
    return ExchangeGateway(
        exchange,
        http or build_http(settings, clock),
        hosts=HostPool(urls, rest=ExponentialBackoff(*_HOST_REST_SECONDS, chance), monotonic=monotonic),
        waits=Waits(floor=ExponentialBackoff(*_RATE_LIMIT_FLOOR_SECONDS, chance), monotonic=monotonic),
        budget=RequestWeightBudget(exchange.weight_limit, monotonic=monotonic),
        breaker=CircuitBreaker(
            failure_threshold=_FAILURES_UNTIL_OPEN,
            cool_down=ExponentialBackoff(first_wait, longest_wait, chance),
            monotonic=monotonic,
        ),
        max_concurrent=settings.max_concurrent_batches,
        monotonic=monotonic,
    )


def build_http(settings: MarketDataSettings, clock: Clock) -> HttpClient:
    return HttpClient(max_connections=settings.max_concurrent_batches, monotonic=clock.monotonic, now_ms=clock.now_ms)

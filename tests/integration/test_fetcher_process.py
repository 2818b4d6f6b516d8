"""`manage.py run_market_fetcher` as operators run it: real processes, signals, exit codes, lines of the log."""

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from exchange_simulator.server import RunningSimulator
from market_data.ticker.record import StoredTicker
from tests.fetcher_process import LEASE_KEY, FetcherProcess
from tests.process_facts import wait_until

TICKERS = "/api/v3/ticker/24hr"
STATUS = "market_data_fetcher:status"


StartFetcher = Callable[..., FetcherProcess]


@pytest.fixture
def start_fetcher(
    redis_client: redis.Redis, redis_server: EmbeddedCache, exchange: RunningSimulator, tmp_path: Path
) -> Iterator[StartFetcher]:
    """Start a fetcher on the test's cache and exchange; variables given as None are left out."""
    fetchers: list[FetcherProcess] = []

    def start(*arguments: str, **variables: str | None) -> FetcherProcess:
        environment = {
            "REDIS_URL": redis_server.url,
            "BINANCE_API_BASE_URL": exchange.base_url,
            "BINANCE_API_FALLBACK_URLS": "[]",
            **variables,
        }
        fetchers.append(FetcherProcess(environment, tmp_path / f"fetcher-{len(fetchers)}.log", *arguments))
        return fetchers[-1]

    yield start
    for fetcher in fetchers:
        fetcher.end()


def newest(client: redis.Redis, pair: str = "BTC/USDT") -> int:
    ticker = StoredTicker.from_raw(pair, client.get(f"market_data:{pair}"))
    return ticker.received_at_ms if ticker else 0


def attempts(client: redis.Redis) -> int:
    return json.loads(client.get(STATUS) or b'{"stats":{"fetchAttempts":0}}')["stats"]["fetchAttempts"]


def test_once_fetches_every_pair_and_exits_zero(start_fetcher: StartFetcher, redis_client: redis.Redis) -> None:
    fetcher = start_fetcher("--once")

    assert fetcher.wait() == 0
    assert sorted(redis_client.keys("market_data:*")) == [
        f"market_data:{pair}".encode() for pair in ("BTC/USD", "BTC/USDT", "ETH/USD", "ETH/USDT")
    ]
    assert 0 < redis_client.pttl("market_data:BTC/USD") <= 15_000
    assert redis_client.exists(LEASE_KEY) == 0
    assert "SIMULATED" in fetcher.log


def test_once_exits_nonzero_where_no_pair_is_fresh(start_fetcher: StartFetcher, exchange: RunningSimulator) -> None:
    exchange.faults.add("status", status=503, body="html")

    fetcher = start_fetcher("--once")

    assert fetcher.wait() == 1
    assert "answered 503" in fetcher.log
    assert "No pair is fresh" in fetcher.log
    assert "Traceback" not in fetcher.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_exit_zero_and_the_lease_free(
    start_fetcher: StartFetcher, redis_client: redis.Redis, number: signal.Signals
) -> None:
    fetcher = start_fetcher()
    wait_until(lambda: newest(redis_client) > 0, "the first price")

    fetcher.send(number)

    assert fetcher.wait() == 0
    assert redis_client.exists(LEASE_KEY) == 0
    assert "Traceback" not in fetcher.log


def test_a_signal_ends_it_while_the_exchange_hangs(
    start_fetcher: StartFetcher, redis_client: redis.Redis, exchange: RunningSimulator
) -> None:
    exchange.faults.add("latency", seconds=60, path=TICKERS)
    fetcher = start_fetcher()
    wait_until(lambda: exchange.requests.count(TICKERS) > 0, "the request that hangs")

    fetcher.send(signal.SIGTERM)

    assert fetcher.wait() == 0
    assert redis_client.exists(LEASE_KEY) == 0


def test_a_standby_asks_nothing_and_takes_over_at_once_after_a_clean_stop(
    start_fetcher: StartFetcher, redis_client: redis.Redis, exchange: RunningSimulator
) -> None:
    first = start_fetcher()
    wait_until(lambda: attempts(redis_client) > 0, "the first cycle")
    second = start_fetcher()
    wait_until(lambda: "standing by" in second.log, "the standby's word")
    lists_asked_for = exchange.requests.count("/api/v3/exchangeInfo")
    assert first.holds_lease(redis_client)

    first.send(signal.SIGTERM)

    assert first.wait() == 0
    wait_until(lambda: second.holds_lease(redis_client), "the change-over", 3)
    assert lists_asked_for == 1, "only the active fetcher asks the exchange"


def test_a_standby_takes_over_before_any_key_expires_when_the_active_one_is_killed(
    start_fetcher: StartFetcher, redis_client: redis.Redis
) -> None:
    first = start_fetcher()
    wait_until(lambda: newest(redis_client) > 0, "the first price")
    second = start_fetcher()
    wait_until(lambda: "standing by" in second.log, "the standby's word")
    last = newest(redis_client)

    first.process.kill()

    seen_missing: list[bool] = []

    def is_taken_over() -> bool:
        seen_missing.append(redis_client.exists("market_data:BTC/USDT") == 0)
        return second.holds_lease(redis_client) and newest(redis_client) > last

    wait_until(is_taken_over, "the take-over", 15)
    assert not any(seen_missing)


def test_once_beside_an_active_fetcher_asks_nothing_of_the_exchange(
    start_fetcher: StartFetcher, redis_client: redis.Redis, exchange: RunningSimulator
) -> None:
    start_fetcher()
    wait_until(lambda: newest(redis_client) > 0, "the first price")

    beside = start_fetcher("--once")

    assert beside.wait() == 0
    assert exchange.requests.count("/api/v3/exchangeInfo") == 1


def test_redis_away_is_said_once_and_its_return_ends_in_prices(
    start_fetcher: StartFetcher, exchange: RunningSimulator
) -> None:
    with EmbeddedCache() as server:
        server.stop()
        fetcher = start_fetcher(REDIS_URL=server.url)
        wait_until(lambda: "no connection to Redis" in fetcher.log, "the word about Redis")
        server.start()
        with redis.Redis.from_url(server.url) as client:
            wait_until(lambda: newest(client) > 0, "the first price")
        wait_until(lambda: "over after" in fetcher.log, "the word about its return")
        log = fetcher.log
    assert log.count("no connection to Redis") == 1
    assert "Traceback" not in log


def test_while_redis_is_away_the_exchange_is_not_asked(start_fetcher: StartFetcher, exchange: RunningSimulator) -> None:
    with EmbeddedCache() as server:
        address = server.url
    fetcher = start_fetcher("--once", REDIS_URL=address)

    assert fetcher.wait() == 1
    assert exchange.requests.total == 0


@pytest.mark.parametrize(
    ("arguments", "variables", "words"),
    [
        ([], {"TRADING_PAIRS": "nonsense"}, ["TRADING_PAIRS", "'nonsense' is not a pair", "BTC/USDT"]),
        ([], {"TRADING_PAIRS": "[]"}, ["TRADING_PAIRS is empty", "Write"]),
        (
            [],
            {"MARKET_DATA_FETCH_INTERVAL_MS": "500"},
            ["MARKET_DATA_FETCH_INTERVAL_MS", "range of 2000 to 10000", "4000"],
        ),
        (["--interval-ms", "500"], {}, ["--interval-ms", "range of 2000 to 10000", "4000"]),
        (["--interval-ms", "soon"], {}, ["--interval-ms", "not a whole number"]),
        ([], {"MARKET_DATA_CACHE_TTL_MS": "3000"}, ["MARKET_DATA_CACHE_TTL_MS", "does not exceed", "Write"]),
        (["--interval-ms", "9000"], {"MARKET_DATA_CACHE_TTL_MS": "9000"}, ["does not exceed", "Write"]),
        ([], {"BINANCE_API_BASE_URL": "binance"}, ["BINANCE_API_BASE_URL", "http", "https://api.binance.com"]),
        ([], {"MARKET_DATA_BATCH_SIZE": "21"}, ["MARKET_DATA_BATCH_SIZE", "range of 1 to 20"]),
        (
            [],
            {"BINANCE_API_BASE_URL": "https://api.binance.com/api/v3"},
            ["BINANCE_API_BASE_URL", "ends with its host"],
        ),
        ([], {"REDIS_URL": "localhost"}, ["REDIS_URL", "redis://", "Write"]),
        ([], {"REDIS_URL": "redis://localhost?decode_responses=true"}, ["REDIS_URL", "decode_responses", "Write"]),
        ([], {"REDIS_URL": "rediss://localhost?ssl_cert_reqs=CERT_NONE"}, ["REDIS_URL", "CERT_NONE is written none"]),
        ([], {"ALLOWED_HOSTS": "https://x"}, ["ALLOWED_HOSTS", "'https://x' is no host name", "Write"]),
        ([], {"ENV_FILE": "/nowhere/settings"}, ["/nowhere/settings cannot be read", "ENV_FILE"]),
        ([], {"DEBUG": "perhaps"}, ["DEBUG", "neither true nor false"]),
    ],
)
def test_an_impossible_setting_ends_it_before_it_starts_with_what_to_write(
    start_fetcher: StartFetcher,
    exchange: RunningSimulator,
    arguments: list[str],
    variables: dict[str, str],
    words: list[str],
) -> None:
    fetcher = start_fetcher(*arguments, **variables)

    assert fetcher.wait() != 0
    assert [word for word in words if word not in fetcher.log] == []
    assert "Traceback" not in fetcher.log
    assert exchange.requests.total == 0

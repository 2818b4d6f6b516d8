"""`manage.py market_check`: a real process that asks a simulated exchange once, or has the sense not to."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

import msgspec
import pytest
import redis

from development.embedded_cache import EmbeddedCache
from exchange_simulator.server import RunningSimulator
from market_data.ticker_cache.status import FetcherStatus
from tests.web_site import REPOSITORY, fetcher_status, now_ms

NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def check(exchange: RunningSimulator, redis_client: redis.Redis, redis_server: EmbeddedCache):
    """Run the command with these pairs against the simulator; other settings by their variable."""

    def run(*pairs: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "ENV_FILE": os.devnull,
            "REDIS_URL": redis_server.url,
            "TRADING_PAIRS": json.dumps(pairs, ensure_ascii=False),
            "BINANCE_API_BASE_URL": exchange.base_url,
            "BINANCE_API_FALLBACK_URLS": "[]",
            **variables,
        }
        command = [sys.executable, "manage.py", "market_check"]
        return subprocess.run(
            command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def silent_host() -> Iterator[str]:
    """The address of a host that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def report(client: redis.Redis, **changes: Mapping[str, int]) -> None:
    """Leave the report of a fetcher with some of its parts changed."""
    status: FetcherStatus = fetcher_status(["BTC/USDT"])
    parts = {name: msgspec.structs.replace(getattr(status, name), **values) for name, values in changes.items()}
    client.set("market_data_fetcher:status", msgspec.structs.replace(status, **parts).encode())


def words(text: str) -> str:
    return " ".join(text.split())


def test_all_well_is_exit_code_0_after_one_request(check, exchange: RunningSimulator) -> None:
    ended = check("BTC/USDT", "ETH/USDT", "币安人生/USDT")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Pairs: 3 configured, 3 can be priced" in ended.stdout
    assert "It is the exchange simulator" in ended.stdout
    assert exchange.requests.total == 1


def test_pairs_that_are_unknown_not_trading_or_aliased_are_named(check) -> None:
    ended = check("BTC/USDT", "BTC/USD", "XYZ/USDT", "XMR/USDT", "LUNA/USDT")

    assert ended.returncode == 1
    said = words(ended.stdout)
    assert "5 configured, 2 can be priced" in said
    assert "unknown (1): XYZ/USDT Correct them in TRADING_PAIRS" in said
    assert "not trading (2): XMR/USDT, LUNA/USDT" in said
    assert "aliased (1): BTC/USD (priced by BTCUSDT)" in said


@pytest.mark.parametrize(
    ("pairs", "variables", "sentence"),
    [
        (["BTC/USDT", "BTC/USD"], {},
         "70 of 6000 a minute (1.2%) refresh cycles: requests: 1, weight: 2, 15 times"),
        (["BTC/USDT", "ETH/USDT", "SOL/USDT"], {"MARKET_DATA_BATCH_SIZE": "1", "MARKET_DATA_FETCH_INTERVAL_MS": "2000"},
         "220 of 6000 a minute (3.7%) refresh cycles: requests: 3, weight: 6, 30 times"),
    ],
)  # fmt: skip
def test_the_request_weight_of_the_configuration_is_told(check, pairs, variables, sentence: str) -> None:
    assert sentence in words(check(*pairs, **variables).stdout)


def test_a_configuration_that_comes_near_the_limit_is_exit_code_1(check) -> None:
    pairs = [f"SIM{number:04}/USDT" for number in range(1, 101)]
    with RunningSimulator(symbols=600, seed=3, weight_limit=2400) as exchange:
        ended = check(*pairs, MARKET_DATA_FETCH_INTERVAL_MS="2000", MARKET_DATA_BATCH_SIZE="1",
                      BINANCE_API_BASE_URL=exchange.base_url)  # fmt: skip

    assert "100 configured, 100 can be priced" in ended.stdout
    assert "Request weight: 2440 of 2400 a minute" in ended.stdout
    assert "raise MARKET_DATA_FETCH_INTERVAL_MS" in words(ended.stdout)
    assert ended.returncode == 1
    assert max(map(len, ended.stdout.splitlines())) <= 80


def test_an_exchange_out_of_reach_is_exit_code_2_soon_with_what_to_do(check) -> None:
    began_at = time.monotonic()
    ended = check("BTC/USDT", BINANCE_API_BASE_URL=NOBODY, BINANCE_API_FALLBACK_URLS='["http://no-such.invalid"]')

    assert ended.returncode == 2
    assert "127.0.0.1:9: it refuses connections" in ended.stderr
    assert "no-such.invalid: its name cannot be resolved" in ended.stderr
    assert "BINANCE_API_FALLBACK_URLS" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert time.monotonic() - began_at < 30


def test_a_host_that_never_answers_leaves_the_next_one_its_time(
    check, exchange: RunningSimulator, silent_host: str
) -> None:
    ended = check("BTC/USDT", BINANCE_API_BASE_URL=silent_host, BINANCE_API_FALLBACK_URLS=exchange.base_url)

    assert ended.returncode == 0
    assert ended.stdout.startswith(f"{exchange.base_url.removeprefix('http://')} lists ")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"exchange": {"banned_until": 600_000}}, "this address is banned by the exchange"),
        ({"rate_limit": {"retry_at": 60_000}}, "the exchange asked to wait"),
    ],
)
def test_during_a_ban_or_a_wait_that_a_fetcher_has_met_nothing_is_asked(
    check, exchange: RunningSimulator, redis_client: redis.Redis, changes, sentence: str
) -> None:
    until_ms = {part: {name: now_ms() + ms for name, ms in values.items()} for part, values in changes.items()}
    report(redis_client, **until_ms)
    ended = check("BTC/USDT")

    assert ended.returncode == 2
    assert f"The exchange wants no request now: {sentence}. Try again after " in ended.stderr
    assert exchange.requests.total == 0


def test_a_ban_that_is_over_keeps_nobody_from_asking(check, redis_client: redis.Redis) -> None:
    report(redis_client, exchange={"banned_until": now_ms() - 1000})

    assert check("BTC/USDT").returncode == 0


@pytest.mark.parametrize(
    ("kind", "sentence", "requests"),
    [
        ("banned", "answered 418", 1),
        ("rate_limited", "answered 429", 1),
        ("geo_blocked", "answered 451", 2),
    ],
)
def test_a_refusal_is_exit_code_2_and_the_exchange_is_not_pressed(
    check, exchange: RunningSimulator, kind: str, sentence: str, requests: int
) -> None:
    exchange.faults.add(kind)
    ended = check(
        "BTC/USDT",
        BINANCE_API_FALLBACK_URLS=f'["{exchange.base_url}/"]',
        BINANCE_API_BASE_URL=exchange.base_url.replace("127.0.0.1", "localhost"),
    )

    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert exchange.requests.total == requests


def test_without_redis_it_says_that_a_ban_would_not_be_known(check) -> None:
    ended = check("BTC/USDT", REDIS_URL="redis://127.0.0.1:9/0")

    assert ended.returncode == 0
    assert "a ban would not be known here: no connection to Redis." in ended.stderr


def test_no_pairs_is_an_error_that_says_what_to_write(check, exchange: RunningSimulator) -> None:
    ended = check()

    assert ended.returncode == 1
    assert 'TRADING_PAIRS=["BTC/USDT","ETH/USDT"]' in ended.stderr
    assert exchange.requests.total == 0

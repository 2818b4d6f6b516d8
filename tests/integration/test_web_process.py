"""The web process: it cannot ask the exchange, and no number of readers makes anybody ask it."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import redis
from django.test import Client

from development.embedded_cache import EmbeddedCache
from exchange_simulator.server import RunningSimulator
from market_data.ticker_cache.cache import TickerCache
from tests.integration.conftest import Bench

REPOSITORY = Path(__file__).resolve().parents[2]
PATHS = (
    "/",
    "/api/market-data/prices",
    "/api/market-data/prices?pairs=BTC/USDT&maxStaleMs=60000",
    "/api/market-data/prices?pairs=FOO/BAR",
    "/api/market-data/init",
    "/api/market-data/health",
    "/api/market-data/pairs",
    "/admin/login/",
)
SERVE_EVERYTHING_AND_TELL_MODULES = """
import io, json, sys
from wsgiref.util import setup_testing_defaults
from nexusmeme.wsgi import application

statuses = {}
for target in json.loads(sys.argv[1]):
    path, _, query = target.partition("?")
    environ = {"PATH_INFO": path, "QUERY_STRING": query}
    setup_testing_defaults(environ)
    list(application(environ, lambda status, headers: statuses.update({target: int(status[:3])})))
suspects = ("requests", "urllib3", "market_data.aggregator", "market_data.fetcher", "exchange_simulator.server")
print(json.dumps({"statuses": statuses, "suspects": [name for name in suspects if sys.modules.get(name) is not None]}))
"""


def test_the_web_process_serves_everything_without_the_means_to_ask_the_exchange(
    redis_server: EmbeddedCache, ticker_cache: TickerCache
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "for-this-test",
        "REDIS_URL": redis_server.url,
    }
    finished = subprocess.run(
        [sys.executable, "-c", SERVE_EVERYTHING_AND_TELL_MODULES, json.dumps(PATHS)],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    result = json.loads(finished.stdout)
    assert result["suspects"] == []
    assert result["statuses"]["/"] == result["statuses"]["/admin/login/"] == 200
    assert result["statuses"]["/api/market-data/prices"] == 503


def test_five_hundred_readers_cost_the_exchange_nothing(
    bench, exchange: RunningSimulator, redis_client: redis.Redis
) -> None:
    one: Bench = bench("BTC/USDT")
    one.refresh()
    before = exchange.requests.total

    with ThreadPoolExecutor(8) as readers:
        statuses = list(readers.map(lambda number: Client().get(PATHS[number % 7]).status_code, range(500)))

    assert set(statuses) <= {200, 206, 503}
    assert exchange.requests.total == before

"""What the history of prices costs: memory in Redis, the fetcher's write, a reader's answer.

python -m benchmarks.price_history --pairs 200
"""

import argparse
import gzip
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from decimal import Decimal

import django
import redis

from development.embedded_cache import EmbeddedCache

TOKEN = "benchmark"  # noqa: S105
LEASE_MS = 600_000
REPETITIONS = 20


def median_ms(action: Callable[[], object]) -> float:
    """Return how long the action takes, the median of some repetitions."""
    durations = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        action()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations) * 1000


def measure(pairs: list[str], client: redis.Redis) -> list[str]:
    """Fill a whole series of each pair and return what was measured, a line each."""
    from django.test import Client

    from market_data.ticker.record import TickerRecord
    from market_data.ticker.source import Source
    from market_data.ticker_cache.cache import open_ticker_cache
    from market_data.ticker_cache.history import MAX_POINTS, STEP_MS, keys_of

    chance, one = random.Random(1), Decimal(1)
    prices = {pair: chance.uniform(1, 50_000) for pair in pairs}

    def records(received_at_ms: int) -> list[TickerRecord]:
        for pair in pairs:
            prices[pair] *= chance.uniform(0.999, 1.001)
        exact = {pair: Decimal(f"{price:.2f}000000") for pair, price in prices.items()}  # the exchange writes 8 places
        return [TickerRecord(pair, exact[pair], one, received_at_ms, one, one, one) for pair in pairs]

    cache, now_ms = open_ticker_cache(), time.time_ns() // 1_000_000
    cache.acquire_lease(TOKEN, LEASE_MS)
    cache.write_tickers(TOKEN, records(now_ms), Source.SIMULATOR)
    instants = iter(range(now_ms, now_ms + (MAX_POINTS + REPETITIONS) * STEP_MS, STEP_MS))
    for _ in range(MAX_POINTS):
        cache.write_history(TOKEN, records(next(instants)), Source.SIMULATOR)
    due = (records(received_at_ms) for received_at_ms in instants)
    write_ms = median_ms(lambda: cache.write_history(TOKEN, next(due), Source.SIMULATOR))
    sizes = [client.memory_usage(key, samples=0) for key in keys_of(pairs)]
    web = Client()
    path = "/api/market-data/history?pairs=" + ",".join(pairs)
    body = web.get(path).content
    client.config_resetstat()
    answer_ms = median_ms(lambda: web.get(path))
    read_ms = client.info("commandstats")["cmdstat_lrange"]["usec"] / REPETITIONS / 1000
    return [
        f"pairs: {len(pairs)}, points each: {MAX_POINTS}",
        f"MEMORY USAGE of a series: {min(sizes)} to {max(sizes)} bytes, together {sum(sizes) / 1e6:.2f} MB",
        f"writing a point of every pair: {write_ms:.1f} ms, one call",
        f"an answer: {answer_ms:.1f} ms, of which Redis is busy for {read_ms:.1f} ms",
        f"its body: {len(body) / 1e6:.2f} MB, compressed by gzip {len(gzip.compress(body, 6)) / 1e6:.2f} MB",
    ]


def main() -> int:
    """Measure on a cache server of its own and print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200, help="how many; at most 200")
    count = min(200, max(1, parser.parse_args().pairs))
    with EmbeddedCache() as server, redis.Redis.from_url(server.url) as client:
        os.environ |= {"REDIS_URL": server.url, "DEBUG": "true", "ALLOWED_HOSTS": "testserver"}
        os.environ["DJANGO_SETTINGS_MODULE"] = "nexusmeme.settings"
        django.setup()
        print("\n".join(measure([f"A{number}/USDT" for number in range(count)], client)))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())

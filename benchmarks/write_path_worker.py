"""One process of the write path's benchmark: runs a refresh cycle for each line on stdin, and answers with its cost.

`python -m benchmarks.write_path_worker service` is the service's own fetcher; `... plain` is a peer as one would write
it in an afternoon: a `requests` session, `json`, and a Redis pipeline, batches of 10, three at a time. Both take pairs
and addresses from the environment, as the service does.
"""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil

BATCH_SIZE = 10
BATCHES_AT_ONCE = 3
LAST_KNOWN_TTL_MS = 86_400_000
CACHE_TTL_MS = 15_000


class Meter:
    """Waits for the parent's word, and tells it what came between two words. The end of stdin is the end."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._began_at = self._cpu_at = 0.0

    def begin(self) -> None:
        if not sys.stdin.readline():
            os._exit(0)  # daemons of the service may still hold connections
        self._began_at, self._cpu_at = time.perf_counter(), time.process_time()

    def end(self) -> None:
        """Report one cycle: CPU time of every thread and wall time in ms, memory in MiB."""
        cpu_ms, wall_ms = (time.process_time() - self._cpu_at) * 1e3, (time.perf_counter() - self._began_at) * 1e3
        memory_mib = self._process.memory_info().rss / 2**20
        report = {"cpu_ms": cpu_ms, "wall_ms": wall_ms, "memory_mib": memory_mib}
        print(json.dumps(report), flush=True)  # noqa: T201


class CommandedClock:
    """The fetcher's clock: real time, but each interval passes at once when the parent wants the next cycle."""

    def __init__(self, meter: Meter, interval_seconds: float) -> None:
        self._meter = meter
        self._interval_seconds = interval_seconds
        self._skipped_seconds = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self._skipped_seconds

    def sleep(self, seconds: float) -> None:
        """Take the nap after a cycle for its end."""
        self._meter.end()
        self._meter.begin()
        self._skipped_seconds += self._interval_seconds


def run_service(meter: Meter) -> None:
    """Run the fetcher's own loop, lease, reports and all."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nexusmeme.settings")
    import django

    django.setup()
    from market_data.aggregator.wiring import build_aggregator, now_ms
    from market_data.conf.loading import get_settings
    from market_data.exchanges.backoff import ExponentialBackoff
    from market_data.fetcher.lease import FetcherLease
    from market_data.fetcher.loop import BACKOFF, Clock, MarketDataFetcher
    from market_data.fetcher.systemd import ServiceNotifier
    from market_data.ticker_cache.cache import open_ticker_cache

    settings, cache = get_settings(), open_ticker_cache()
    lease = FetcherLease(cache, ttl_ms=settings.lease_ttl_ms, patience_ms=86_400_000, monotonic=time.monotonic)
    clock = CommandedClock(meter, settings.fetch_interval_ms / 1000)
    fetcher = MarketDataFetcher(
        settings, cache, build_aggregator(settings, cache, lease.token), lease,
        clock=Clock(clock.monotonic, now_ms, clock.sleep),
        backoff=ExponentialBackoff(*BACKOFF, lambda: 0.0),
        should_stop=lambda: False,
        notifier=ServiceNotifier({}),
    )  # fmt: skip
    meter.begin()
    fetcher.run()


def run_plain(meter: Meter) -> None:
    """Fetch and write as the peer does, cycle after cycle."""
    import redis
    import requests

    session, cache = requests.Session(), redis.Redis.from_url(os.environ["REDIS_URL"])
    pairs = os.environ["TRADING_PAIRS"].split(",")
    batches = [pairs[start : start + BATCH_SIZE] for start in range(0, len(pairs), BATCH_SIZE)]

    def fetch(batch: list[str]) -> None:
        names = json.dumps([pair.replace("/", "") for pair in batch], separators=(",", ":"))
        url = f"{os.environ['BINANCE_API_BASE_URL']}/api/v3/ticker/24hr"
        rows = {row["symbol"]: row for row in session.get(url, params={"symbols": names}, timeout=4).json()}
        pipeline = cache.pipeline(transaction=False)
        for pair in batch:
            text = json.dumps(_plain_record(pair, rows[pair.replace("/", "")]))
            pipeline.set(f"market_data:{pair}", text, px=CACHE_TTL_MS)
            pipeline.set(f"market_data_last:{pair}", text, px=LAST_KNOWN_TTL_MS)
        pipeline.execute()

    with ThreadPoolExecutor(BATCHES_AT_ONCE) as threads:
        while True:
            meter.begin()
            for _ in threads.map(fetch, batches):
                pass
            meter.end()


def _plain_record(pair: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "pair": pair,
        "price": float(row["lastPrice"]),
        "volume": float(row["volume"]),
        "timestamp": time.time_ns() // 1_000_000,
        "change24h": float(row["priceChangePercent"]),
        "high24h": float(row["highPrice"]),
        "low24h": float(row["lowPrice"]),
    }


if __name__ == "__main__":
    {"service": run_service, "plain": run_plain}[sys.argv[1]](Meter())

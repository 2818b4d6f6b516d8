"""How soon is a new price in a browser, and at how many requests: polls every 2 s, and polls timed for the fetcher?

    make demo                                                                       # in one terminal
    .venv/bin/python -m benchmarks.poll_timing http://127.0.0.1:8000 --rounds 5     # in another

Both ways run at the same time, each in a Chromium context of its own, so that they are told of the same writes. Each
round opens both pages anew, at another moment of the fetcher's interval of 4 s.
"""

import argparse
import json
import random
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import redis
from playwright.sync_api import Browser, Page, sync_playwright

from development.chromium import ADVICE, find_chromium

PAIR = "BTC/USDT"
WAYS: dict[str, dict[str, object]] = {"blind": {}, "timed": {"fetchIntervalMs": 4000}}
WARM_UP_SECONDS = 8
START_POLLING = """async ([script, pairs, options]) => {
  const { PriceCachePolling } = await import(script)
  const polling = new PriceCachePolling(pairs, { pollIntervalMs: 2000, ...options })
  window.seen = {}
  polling.subscribe(({ prices }) => {
    const timestamp = prices["BTC/USDT"]?.timestamp
    if (timestamp) window.seen[timestamp] ??= performance.timeOrigin + performance.now()
  })
  polling.start()
}"""


@dataclass
class Figures:
    """What one way has shown: delays from write to snapshot in ms, and requests over time."""

    delays_ms: list[float] = field(default_factory=list)
    unseen: int = 0
    requests: int = 0
    minutes: float = 0

    def row(self, name: str) -> str:
        ordered = sorted(self.delays_ms)
        ninetieth = ordered[int(len(ordered) * 0.9)]
        return (
            f"| {name} | {self.requests / self.minutes:.1f} | {len(ordered)} | {statistics.mean(ordered):.0f} ms "
            f"| {statistics.median(ordered):.0f} ms | {ninetieth:.0f} ms | {ordered[-1]:.0f} ms | {self.unseen} |"
        )


class Writes(threading.Thread):
    """Notes when Redis told of each write of one price: timestamp of the record → this machine's Unix ms."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._client = redis.Redis.from_url(url)
        self._client.config_set("notify-keyspace-events", "K$")
        self._news = self._client.pubsub(ignore_subscribe_messages=True)
        self._news.psubscribe(f"__keyspace@*__:market_data:{PAIR}")
        self.written_at_ms: dict[int, float] = {}

    def run(self) -> None:
        for _ in self._news.listen():
            now_ms = time.time() * 1000
            value = self._client.get(f"market_data:{PAIR}")
            if isinstance(value, bytes):
                self.written_at_ms.setdefault(json.loads(value)["timestamp"], now_ms)


@contextmanager
def polling_page(browser: Browser, address: str, options: dict[str, object]) -> Iterator[tuple[Page, list[str]]]:
    """Open a page that polls, and keep the list of its requests for prices."""
    context = browser.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.goto(f"{address}/api/market-data/health")
    page.on("request", lambda request: asked.append(request.url) if "/prices" in request.url else None)
    pairs = ["BTC/USD", "BTC/USDT", "ETH/USD", "ETH/USDT"]
    page.evaluate(START_POLLING, [f"{address}/static/market_data/price-cache-polling.js", pairs, options])
    yield page, asked
    context.close()


def measure(browser: Browser, address: str, writes: Writes, seconds: float, figures: dict[str, Figures]) -> None:
    """Run one round of both ways and add what it has shown."""
    with (
        polling_page(browser, address, WAYS["blind"]) as blind,
        polling_page(browser, address, WAYS["timed"]) as timed,
    ):
        pages = {"blind": blind, "timed": timed}
        timed[0].wait_for_timeout(WARM_UP_SECONDS * 1000)
        begin_ms, before = time.time() * 1000, {way: len(asked) for way, (_, asked) in pages.items()}
        timed[0].wait_for_timeout(seconds * 1000)
        end_ms = time.time() * 1000
        after = {way: len(asked) for way, (_, asked) in pages.items()}
        timed[0].wait_for_timeout(3000)  # for the writes of the last moments to be seen
        for way, (page, _) in pages.items():
            seen: dict[str, float] = page.evaluate("window.seen")
            figures[way].requests += after[way] - before[way]
            figures[way].minutes += (end_ms - begin_ms) / 60_000
            for timestamp, written_at_ms in writes.written_at_ms.items():
                if not begin_ms <= written_at_ms < end_ms:
                    continue
                if str(timestamp) in seen:
                    figures[way].delays_ms.append(seen[str(timestamp)] - written_at_ms)
                else:
                    figures[way].unseen += 1


def embedded_cache_of(address: str) -> str | None:
    """Return the address of the Redis server that a running `make demo` has brought with it, or None."""
    path = Path(".run") / f"stack-{urlsplit(address).port}.json"
    port = json.loads(path.read_text())["embedded_cache_port"] if path.exists() else None
    return f"redis://127.0.0.1:{port}/0" if port else None


def main() -> int:
    """Print a table of both ways; return 1 where there is no browser or no stack."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="of a running `make demo`")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60, help="of each round, after a warm-up")
    arguments = parser.parse_args()
    program, redis_url = find_chromium(), embedded_cache_of(arguments.address)
    if program is None or redis_url is None:
        missing = f"No stack with a cache of its own runs at {arguments.address}; start one with make demo."
        print(missing if program else ADVICE, file=sys.stderr)  # noqa: T201
        return 1
    writes = Writes(redis_url)
    writes.start()
    figures = {way: Figures() for way in WAYS}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        for _ in range(arguments.rounds):
            time.sleep(random.uniform(0, 4))
            measure(browser, arguments.address, writes, arguments.seconds, figures)
        print(f"Chromium {browser.version}")  # noqa: T201
        browser.close()
    print("| polls | requests a minute | writes | delay, mean | median | 90 % within | longest | unseen |")  # noqa: T201
    for way, result in figures.items():
        print(result.row(way))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())

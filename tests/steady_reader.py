"""A few readers who go on asking until their standard input ends: `python -m tests.steady_reader HOST:PORT NAME`.

Prints one line of JSON at its first good answer, and one at the end: how often which status came, what failed, and
how old the oldest price was by the headers. A program of its own, so that it can run on another machine's network.
"""

import http.client
import json
import random
import ssl
import sys
import threading
import time
from collections import Counter
from typing import Any

READERS = 4
PACE_SECONDS = 0.02
PAIRS = ("BTC/USD", "BTC/USDT", "ETH/USD", "ETH/USDT")


class SteadyReader:
    """Asks for all prices in a spelling that no cache has seen, for the same from the cache, and for the page."""

    def __init__(self, host: str, port: int, name: str) -> None:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        self._connection = http.client.HTTPSConnection(host, port, timeout=20, context=trusting)
        self._name = name
        self.statuses: Counter[int] = Counter()
        self.failures: list[str] = []
        self.oldest_ms = 0

    def ask(self) -> None:
        path = random.choice(("/api/market-data/pairs", "/", prices_path(","), *[prices_path(spelling())] * 3))
        try:
            self._connection.request("GET", path, headers={"Host": self._name})
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(f"{path}: {error!r}")
            self._connection.close()
            return
        self.statuses[response.status] += 1
        if response.status != 200:
            self.failures.append(f"{path}: {response.status} {body[:200]!r}")
        elif "prices" in path:
            self._look_at(json.loads(body), int(response.headers["X-Market-Data-Time"]))

    def _look_at(self, records: dict[str, Any], time_ms: int) -> None:
        if missing := set(PAIRS) - set(records):
            self.failures.append(f"missing: {missing}")
        self.oldest_ms = max([self.oldest_ms, *(time_ms - record["timestamp"] for record in records.values())])


def prices_path(separator: str) -> str:
    return f"/api/market-data/prices?pairs={separator.join(PAIRS)}"


def spelling() -> str:
    """Return a comma with spaces around it that mean nothing, percent-encoded."""
    return f"{'%20' * random.randrange(40)},{'%20' * random.randrange(40)}"


def main(address: str, name: str) -> None:
    host, _, port = address.partition(":")
    readers = [SteadyReader(host, int(port), name) for _ in range(READERS)]
    is_over = threading.Event()

    def read(reader: SteadyReader) -> None:
        while not is_over.is_set():
            reader.ask()
            time.sleep(PACE_SECONDS)

    threads = [threading.Thread(target=read, args=[reader]) for reader in readers]
    for thread in threads:
        thread.start()
    while not any(reader.statuses or reader.failures for reader in readers):
        time.sleep(PACE_SECONDS)
    say({"is_reading": True})
    sys.stdin.read()
    is_over.set()
    for thread in threads:
        thread.join()
    say(
        {
            "statuses": dict(sum((reader.statuses for reader in readers), Counter())),
            "failures": [failure for reader in readers for failure in reader.failures],
            "oldest_ms": max(reader.oldest_ms for reader in readers),
        }
    )


def say(content: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])

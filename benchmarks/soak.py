"""Watch a running service for some minutes: is a configured pair ever missing, and how old does a price get?

python -m benchmarks.soak http://127.0.0.1:8000 --minutes 5
"""

import argparse
import http.client
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

POLL_SECONDS = 0.1


@dataclass
class Observations:
    """What a reader who asks ten times a second has seen; ages in ms by the server's clock."""

    statuses: Counter[int] = field(default_factory=Counter)
    oldest_ms: int = 0
    ages_ms: list[int] = field(default_factory=list)

    def add(self, status: int, server_now_ms: int, timestamps: list[int]) -> None:
        self.statuses[status] += 1
        if timestamps:
            oldest = max(server_now_ms - timestamp for timestamp in timestamps)
            self.ages_ms.append(oldest)
            self.oldest_ms = max(self.oldest_ms, oldest)

    def report(self) -> str:
        answers = ", ".join(f"{count} x {status}" for status, count in sorted(self.statuses.items()))
        ordered = sorted(self.ages_ms)
        middle = ordered[len(ordered) // 2] if ordered else 0
        return f"answers: {answers}\nage of the oldest price: median {middle} ms, at most {self.oldest_ms} ms"


def watch(address: str, minutes: float) -> Observations:
    """Ask for all configured pairs until the time is over."""
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=10)
    observations = Observations()
    ends_at = time.monotonic() + minutes * 60
    while time.monotonic() < ends_at:
        connection.request("GET", "/api/market-data/prices")
        answer = connection.getresponse()
        body = answer.read()
        records = json.loads(body) if answer.status in (200, 206) else {}
        timestamps = [record["timestamp"] for record in records.values()]
        observations.add(answer.status, int(answer.headers["X-Market-Data-Time"]), timestamps)
        time.sleep(POLL_SECONDS)
    connection.close()
    return observations


def main() -> int:
    """Print what was seen; return 0 only if every answer was a 200."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", help="of the running web server")
    parser.add_argument("--minutes", type=float, default=5)
    arguments = parser.parse_args()
    observations = watch(arguments.address, arguments.minutes)
    print(observations.report())  # noqa: T201
    return 0 if set(observations.statuses) == {200} else 1


if __name__ == "__main__":
    sys.exit(main())

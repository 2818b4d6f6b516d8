"""The service under drill, as its readers see it: prices, health, init and pairs of one web server."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from exchange_simulator.drills.answers import WebAnswer, ask

API = "/api/market-data"
MOST_PAIRS = 50
OK = "ok"


@dataclass(frozen=True)
class Prices:
    """One answer of `prices`: records by pair, and the server's clock in Unix ms."""

    status: int
    now_ms: int
    records: Mapping[str, Mapping[str, Any]]

    def age_ms(self, pair: str) -> int:
        return int(self.now_ms - self.records[pair]["timestamp"])

    @property
    def oldest_age_ms(self) -> int:
        """Age of the oldest price, 0 where there is none."""
        return max((self.age_ms(pair) for pair in self.records), default=0)


@dataclass(frozen=True)
class Snapshot:
    """What readers saw at one instant of the drill's clock, in seconds, and how long the three answers took."""

    at: float
    seconds: float
    prices: Prices
    health_status: int
    health: Mapping[str, Any]
    init: Mapping[str, Any]

    @property
    def outcomes(self) -> Mapping[str, str]:
        """Outcomes other than `ok` by pair."""
        found: Mapping[str, str] = self.health["pairs"]["outcomes"]
        return found

    @property
    def breaker(self) -> str:
        return str(self.health["aggregator"]["circuitBreaker"]["state"])

    @property
    def banned_until(self) -> int | None:
        found: int | None = self.health["aggregator"]["exchange"]["bannedUntil"]
        return found

    @property
    def is_fetcher_running(self) -> bool:
        return bool(self.init.get("fetcher", {}).get("isRunning"))

    @property
    def attempts(self) -> int:
        """Refresh cycles since the fetcher's start."""
        return int(self.init.get("fetcher", {}).get("stats", {}).get("fetchAttempts", 0))

    @property
    def last_error(self) -> str:
        return str(self.init.get("fetcher", {}).get("stats", {}).get("lastError") or "")


class WatchedService:
    """Asks one web server. Every method raises `NoAnswerError`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    def ask(self, path: str) -> WebAnswer:
        """Return the answer to a path below the API."""
        return ask(f"{self.base_url}{API}/{path}")

    def symbols(self) -> dict[str, str]:
        """Return the symbols of the pairs that are well, by pair."""
        rows = self.ask("pairs").content["pairs"]
        return {row["pair"]: row["symbol"] for row in rows if row["outcome"] == OK}

    def prices(self, pairs: Sequence[str], max_stale_ms: int = 0) -> Prices:
        named = quote(",".join(pairs))
        answer = self.ask(f"prices?pairs={named}&maxStaleMs={max_stale_ms}")
        records = answer.content if answer.status in (200, 206) else {}
        return Prices(answer.status, int(answer.headers["X-Market-Data-Time"]), records)

    def snapshot(self, pairs: Sequence[str], at: float) -> Snapshot:
        began_at = time.monotonic()
        prices, health, init = self.prices(pairs), self.ask("health"), self.ask("init")
        seconds = time.monotonic() - began_at
        return Snapshot(at, seconds, prices, health.status, health.content, init.content)

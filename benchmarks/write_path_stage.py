"""The processes of the write path's benchmark: exchange simulator, cache, and fetchers that run on command."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redis

from development.embedded_cache import EmbeddedCache
from development.guarded_process import GuardedProcess

ROOT = Path(__file__).resolve().parent.parent
TICKERS = "/api/v3/ticker/24hr"
NO_LIMIT = "1000000000"


@dataclass(frozen=True)
class Cycle:
    """One refresh cycle: CPU of the fetcher's process, requests and their weight, bytes of the exchange's answers.

    `exchange_ms` is the part of the wall time during which the simulator had a request, latency included.
    `redis_round_trips` are replies that Redis wrote, one for a script or a pipeline; `fresh` counts the pairs whose
    price was received in this cycle.
    """

    cpu_ms: float
    wall_ms: float
    memory_mib: float
    fresh: int
    requests: int
    weight: int
    answer_bytes: int
    exchange_ms: float
    redis_round_trips: int


class Worker:
    """Context manager: a fetcher in a process of its own, with a cache of its own, that runs a cycle when told to."""

    def __init__(self, kind: str, pair_count: int, exchange_url: str) -> None:
        self._kind = kind
        self._exchange_url = exchange_url
        self._pairs = [f"SIM{number:04d}/USDT" for number in range(1, pair_count + 1)]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            cache = stack.enter_context(EmbeddedCache())
            self._redis = stack.enter_context(redis.Redis.from_url(cache.url))
            self._process = subprocess.Popen(  # noqa: S603 - our own module; it ends with its stdin
                [sys.executable, "-m", "benchmarks.write_path_worker", self._kind],
                cwd=ROOT, env={**_django(), **self._settings(cache.url)}, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            stack.callback(self._process.communicate)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def run_cycle(self) -> dict[str, Any]:
        """Return what one cycle cost; raise RuntimeError where the fetcher has ended."""
        began_at_ms = time.time_ns() // 1_000_000
        replies = self._replies()
        line = self._tell()
        round_trips = self._replies() - replies - 1  # less the one that told the first count
        report: dict[str, Any] = json.loads(line)
        return {**report, "redis_round_trips": round_trips, "fresh": self._count_fresh(began_at_ms)}

    def _tell(self) -> str:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or self._process.poll() is not None:
            raise RuntimeError(f"the fetcher {self._kind} of {len(self._pairs)} pairs has ended")
        stdin.write("\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise RuntimeError(f"the fetcher {self._kind} of {len(self._pairs)} pairs has ended in a cycle")
        return line

    def _replies(self) -> int:
        count: int = self._redis.info("stats")["total_writes_processed"]
        return count

    def _count_fresh(self, since_ms: int) -> int:
        records = self._redis.mget([f"market_data:{pair}" for pair in self._pairs])
        return sum(record is not None and json.loads(record)["timestamp"] >= since_ms for record in records)

    def _settings(self, redis_url: str) -> dict[str, str]:
        return {
            "TRADING_PAIRS": ",".join(self._pairs),
            "BINANCE_API_BASE_URL": self._exchange_url,
            "BINANCE_API_FALLBACK_URLS": "[]",
            "REDIS_URL": redis_url,
        }


class Stage:
    """Context manager: the simulator with a generated market of so many symbols."""

    def __init__(self, *, symbols: int) -> None:
        self._symbols = symbols

    def __enter__(self) -> Self:
        self._simulator = GuardedProcess(self._simulator_command(), output=subprocess.PIPE, environment=_django())
        first_line = self._simulator.output.readline().decode()
        if " at http" not in first_line:
            self._simulator.close()
            raise RuntimeError(f"the exchange simulator did not start: {first_line}")
        self.exchange_url = first_line.partition(" at ")[2].partition(": ")[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._simulator.close()

    def set_latency(self, milliseconds: int) -> None:
        """Let every answer about tickers come so much later."""
        faults = [{"kind": "latency", "seconds": milliseconds / 1000, "path": TICKERS}] if milliseconds else []
        self._control("PUT", "/faults", faults)

    def forget_requests(self) -> None:
        """Begin to count anew."""
        self._control("DELETE", "/requests")

    def requests(self) -> dict[str, float]:
        """Return requests for tickers, their weight, the bytes of their answers, and how long any was being made."""
        log = self._control("GET", "/requests?last=10000")["last"]
        requests = [request for request in log if request["path"] == TICKERS]
        return {
            "requests": len(requests),
            "weight": sum(request["weight"] for request in requests),
            "answer_bytes": sum(request["sent_bytes"] for request in requests),
            "exchange_ms": 1000 * _covered_seconds(requests),
        }

    def _simulator_command(self) -> list[str]:
        options = ("--port", "0", "--symbols", str(self._symbols), "--weight-limit", NO_LIMIT)
        return [sys.executable, str(ROOT / "manage.py"), "run_exchange_simulator", *options]

    def _control(self, method: str, place: str, content: object = None) -> Any:
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(  # noqa: S310 - the simulator's own address
            f"{self.exchange_url}/_control{place}", data=body, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)


def _covered_seconds(requests: Iterable[dict[str, Any]]) -> float:
    """Return how long at least one request was at the exchange."""
    covered, until = 0.0, 0.0
    for request in sorted(requests, key=lambda request: request["received_monotonic"]):
        began_at, ended_at = max(until, request["received_monotonic"]), request["finished_monotonic"]
        covered += max(0.0, ended_at - began_at)
        until = max(until, ended_at)
    return covered


def _django() -> dict[str, str]:
    return {**os.environ, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "nexusmeme.settings"}

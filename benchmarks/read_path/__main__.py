"""`python -m benchmarks.read_path [--quick]`: requests a second of `prices` beside its peers, and instructions.

Writes `benchmarks/results/read-path.md` and `.json`. What it starts, it ends.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import redis

from benchmarks.read_path import report
from benchmarks.read_path.instructions import APPLICATIONS, instructions_per_request
from benchmarks.read_path.load import CONNECTIONS, SERVER_CORE, measured, pinned, running
from benchmarks.read_path.packages import FASTAPI, FASTIFY, REPOSITORY, NotInstalledError
from benchmarks.read_path.peers import PEERS, Stage
from benchmarks.read_path.records import FreshRecords
from development.embedded_cache import server_program
from development.guarded_process import GuardedProcess
from development.loopback import free_port

RESULTS = REPOSITORY / "benchmarks" / "results"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.read_path", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds of two seconds, to see that it works")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--pairs", type=int, nargs="+", default=[4, 50])
    parser.add_argument("--peers", nargs="+", default=[peer.name for peer in PEERS], help="names, to leave others out")
    parser.add_argument("--calls", type=int, default=2000, help="for callgrind; 0 leaves it out")
    parser.add_argument("--results", type=Path, default=RESULTS)
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds, chosen.calls = 2, 2, min(chosen.calls, 300)
    return chosen


@contextmanager
def stage_of(count: int, folder: Path, redis_url: str) -> Iterator[Stage]:
    """Keep the records of `count` pairs fresh in the store, and the body that they make in a file."""
    stage = Stage(folder, tuple(f"A{number}/USDT" for number in range(count)), redis_url)
    with FreshRecords(redis_url, stage.pairs) as records:
        stage.body.write_text(records.body)
        yield stage


@dataclass
class Rates:
    """What was measured of each peer: requests a second and 99th percentiles, one a round, and failed answers."""

    per_second: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    p99_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, int] = field(default_factory=Counter)


def rates_of(stage: Stage, chosen: argparse.Namespace) -> Rates:
    """Measure round by round; in a round the peers take turns."""
    rates = Rates()
    for number in range(chosen.rounds):
        for peer in PEERS:
            if peer.name in chosen.peers:
                with running(peer, stage) as port:
                    measured(port, stage, 1)  # warm
                    rate, p99, failed = measured(port, stage, chosen.seconds)
                rates.per_second[peer.name].append(rate)
                rates.p99_ms[peer.name].append(p99)
                rates.failed[peer.name] += failed
                sys.stderr.write(f"{len(stage.pairs)} pairs, round {number + 1}: {peer.name} {rate:,.0f}/s\n")
    return rates


def setting() -> str:
    cpus = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = cpus[0].partition(":")[2].strip() if cpus else platform.processor()
    packages = ", ".join(f"{name} {version(name)}" for name in ("Django", "djangorestframework", "granian", "redis"))
    peers = ", ".join((*FASTAPI, *FASTIFY))
    return (
        f"{time.strftime('%Y-%m-%d', time.gmtime())}, Python {platform.python_version()}, {packages}; peers {peers}; "
        f"{len(cpus)} cores of {processor}; store and server on one core, wrk with {CONNECTIONS} connections "
        "on another."
    )


def main() -> int:
    chosen = arguments()
    texts = [f"# Read path\n\n{setting()} Rounds: {chosen.rounds} of {chosen.seconds} s, interleaved.\n"]
    raw: dict[str, object] = {"setting": setting(), "rounds": chosen.rounds, "seconds": chosen.seconds}
    titles = {peer.name: f"{peer.title} (`{peer.name}`)" for peer in PEERS}
    counted: dict[tuple[str, int], float] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="read-path-")))
        port = free_port()
        command = [server_program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        log = stack.enter_context((folder / "store.log").open("wb"))
        store = GuardedProcess(pinned(command, SERVER_CORE), output=log, in_temporary_directory=True)
        stack.callback(store.close)
        redis_url = f"redis://127.0.0.1:{port}/0"
        _wait_for(redis_url)
        for count in chosen.pairs:
            with stage_of(count, folder, redis_url) as stage:
                for name in APPLICATIONS if chosen.calls else ():
                    counted[name, count] = instructions_per_request(name, stage, chosen.calls)
                    sys.stderr.write(f"{count} pairs: {name} {counted[name, count]:.4f} million instructions\n")
                rates = rates_of(stage, chosen)
            found = report.rates_table(titles, rates.per_second, rates.p99_ms, rates.failed)
            tables = [found, report.ratios_table(rates.per_second)]
            texts.append(f"\n## {count} pairs\n\n" + "\n\n".join(tables) + "\n")
            raw[f"{count} pairs"] = vars(rates)
    if counted:
        texts.append(f"\n## Instructions, by callgrind\n\n{report.instructions_table(counted)}\n")
        raw["million_instructions"] = {f"{name} {count}": value for (name, count), value in counted.items()}
    chosen.results.mkdir(parents=True, exist_ok=True)
    (chosen.results / "read-path.md").write_text("".join(texts))
    (chosen.results / "read-path.json").write_text(json.dumps(raw, indent=1) + "\n")
    sys.stdout.write("".join(texts))
    return 0


def _wait_for(redis_url: str) -> None:
    deadline = time.monotonic() + 10
    with redis.Redis.from_url(redis_url) as store:
        while True:
            try:
                store.ping()
                return
            except redis.ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except NotInstalledError as error:
        sys.exit(str(error))

"""`python -m benchmarks.read_path [--quick]`: requests a second of `prices` beside its peers, waits, and instructions.

Writes `benchmarks/results/read-path.md` and `.json`. What it starts, it ends. It exits with 1 where a request failed or
an application needs more instructions than its limit; rates and waits depend on the machine and are not judged by it.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import redis

from benchmarks.read_path import report
from benchmarks.read_path.half_load import half_load_of
from benchmarks.read_path.instructions import APPLICATIONS, instructions_per_request
from benchmarks.read_path.load import CONNECTIONS, SERVER_CORE, WARM_SECONDS, measured, pinned, running
from benchmarks.read_path.packages import CHAINLINK, FASTAPI, FASTIFY, REPOSITORY, NotInstalledError, program
from benchmarks.read_path.peers import HALF_LOADED, LAYER, PEERS, Stage, peers_with, title_of
from benchmarks.read_path.price_source import price_source
from benchmarks.read_path.records import FreshRecords
from benchmarks.read_path.waits import HalfLoad
from benchmarks.surroundings import surroundings
from development.embedded_cache import server_program
from development.guarded_process import GuardedProcess
from development.loopback import free_port

RESULTS = REPOSITORY / "benchmarks" / "results"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.read_path", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two rounds of two seconds, to see that it works")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement")
    parser.add_argument("--pairs", type=int, nargs="+", default=[1, 4, 50])
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
    pairs = tuple(f"A{number}/USDT" for number in range(count))
    with FreshRecords(redis_url, pairs) as records, price_source(lambda: records.body) as source_url:
        stage = Stage(folder, pairs, redis_url, source_url)
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
        for peer in peers_with(len(stage.pairs), chosen.peers):
            with running(peer, stage) as port:
                measured(peer, port, stage, WARM_SECONDS)
                rate, p99, failed = measured(peer, port, stage, chosen.seconds)
            rates.per_second[peer.name].append(rate)
            rates.p99_ms[peer.name].append(p99)
            rates.failed[peer.name] += failed
            sys.stderr.write(f"{stage.title}, round {number + 1}: {peer.name} {rate:,.0f}/s\n")
    return rates


def setting() -> str:
    peers = ", ".join((*FASTAPI, *FASTIFY, *CHAINLINK))
    return (
        f"{surroundings()}; peers {peers}; store and server on one core, wrk with {CONNECTIONS} connections "
        "or h2load on another."
    )


@contextmanager
def running_store(folder: Path) -> Iterator[str]:
    """Yield the address of a store on the servers' core."""
    port = free_port()
    command = [server_program(), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    with (
        (folder / "store.log").open("wb") as log,
        GuardedProcess(pinned(command, SERVER_CORE), output=log, folder=folder),
    ):
        redis_url = f"redis://127.0.0.1:{port}/0"
        _wait_for(redis_url)
        yield redis_url


@dataclass
class Findings:
    """All that was measured, by the number of pairs."""

    rates: dict[int, Rates] = field(default_factory=dict)
    half_loads: dict[tuple[str, int], HalfLoad] = field(default_factory=dict)
    instructions: dict[tuple[str, int], float] = field(default_factory=dict)

    def measure(self, stage: Stage, chosen: argparse.Namespace) -> None:
        """Measure a stage; with one pair the rates alone, for the other goals are for more."""
        count = len(stage.pairs)
        for name in APPLICATIONS if chosen.calls and count > 1 else ():
            found = self.instructions[name, count] = instructions_per_request(name, stage, chosen.calls)
            sys.stderr.write(f"{stage.title}: {name} {found:.4f} million instructions\n")
        rates = self.rates[count] = rates_of(stage, chosen)
        if LAYER.name in chosen.peers and count > 1:
            half = median(rates.per_second[LAYER.name]) / 2
            for peer in peers_with(count, [name for name in HALF_LOADED if name in chosen.peers]):
                load = half_load_of(peer, stage, half, chosen.rounds, chosen.seconds)
                self.half_loads[peer.name, count] = load

    def problems(self) -> list[str]:
        """Return what must not be on any machine: failed requests, and more instructions than the limits allow."""
        failed = [
            f"{title_of(count)}: {number} requests to {name} failed"
            for count, rates in self.rates.items()
            for name, number in rates.failed.items()
            if number
        ]
        return failed + report.exceeded_limits(self.instructions)

    def as_markdown(self) -> str:
        texts = []
        titles = {peer.name: f"{peer.title} (`{peer.name}`)" for peer in PEERS}
        for count, rates in self.rates.items():
            table = report.rates_table(titles, rates.per_second, rates.p99_ms, rates.failed)
            texts.append(f"\n## {title_of(count)}\n\n{table}\n\n{report.ratios_table(rates.per_second, count)}\n")
        if self.half_loads:
            texts.append(f"\n## Half load\n\n{report.half_load_table(self.half_loads)}\n")
        if self.instructions:
            texts.append(f"\n## Instructions, by callgrind\n\n{report.instructions_table(self.instructions)}\n")
        return "".join(texts)

    def as_json(self) -> dict[str, object]:
        return {
            **{title_of(count): vars(rates) for count, rates in self.rates.items()},
            "half_load": {f"{name} {count}": asdict(load) for (name, count), load in self.half_loads.items()},
            "million_instructions": {f"{name} {count}": value for (name, count), value in self.instructions.items()},
        }


def main() -> int:
    chosen = arguments()
    if LAYER.name in chosen.peers:
        program("h2load", "nghttp2-client")  # rather now than after minutes
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="read-path-") as name, running_store(Path(name)) as redis_url:
        for count in chosen.pairs:
            with stage_of(count, Path(name), redis_url) as stage:
                findings.measure(stage, chosen)
    head = f"# Read path\n\n{setting()} Rounds: {chosen.rounds} of {chosen.seconds} s, interleaved.\n"
    text = head + findings.as_markdown()
    raw = {"setting": setting(), "rounds": chosen.rounds, "seconds": chosen.seconds, **findings.as_json()}
    chosen.results.mkdir(parents=True, exist_ok=True)
    (chosen.results / "read-path.md").write_text(text)
    (chosen.results / "read-path.json").write_text(json.dumps(raw, indent=1) + "\n")
    sys.stdout.write(text)
    wrong = findings.problems()
    sys.stderr.write("".join(f"{problem}\n" for problem in wrong))
    return 1 if wrong else 0


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

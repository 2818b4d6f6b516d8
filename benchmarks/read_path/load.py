"""One measurement: a peer on one core with the store, wrk on another."""

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.read_path.packages import REPOSITORY, program
from benchmarks.read_path.peers import APPS_FOLDER, Peer, Stage
from development.guarded_process import GuardedProcess
from development.loopback import free_port

SERVER_CORE, CLIENT_CORE = "0", "1"
CONNECTIONS = 32
WARM_SECONDS = 4
"""Until V8 has compiled what runs often, and every process has touched the memory that it works in."""
_START_SECONDS = 60
_RATE = re.compile(r"Requests/sec:\s+([\d.]+)")
_P99 = re.compile(r"99%\s+([\d.]+)(us|ms|s)")
_FAILED = re.compile(r"Non-2xx or 3xx responses: (\d+)")
_SOCKET_ERRORS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def pinned(command: list[str], core: str) -> list[str]:
    return [program("taskset", "util-linux"), "-c", core, *command]


@contextmanager
def running(peer: Peer, stage: Stage) -> Iterator[int]:
    """Start a peer on a free port, yield the port, and end it with all that it started."""
    port = free_port()
    command, environment = peer.command(stage, port)
    log = stage.folder / f"{peer.name}-{len(stage.pairs)}.log"
    environment = {**environment, "PWD": str(REPOSITORY)}
    with log.open("ab") as output:
        process = GuardedProcess(pinned(command, SERVER_CORE), environment=environment, output=output)
        try:
            target, body = peer.question(stage)
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}{target}",
                None if body is None else body.encode(),
                {"Content-Type": "application/json"},
            )
            _wait_until_it_answers(process, request, peer.title, log.read_bytes)
            yield port
        finally:
            process.close()


def measured(peer: Peer, port: int, stage: Stage, seconds: int) -> tuple[float, float, int]:
    """Return requests a second, the 99th percentile in ms, and how many requests got no success or no answer."""
    command = [program("wrk", "wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
    target, body = peer.question(stage)
    command += [] if body is None else ["--script", str(APPS_FOLDER / "post.lua")]
    command += [f"http://127.0.0.1:{port}{target}", *([] if body is None else ["--", body])]
    said = subprocess.run(  # noqa: S603 - our own command
        pinned(command, CLIENT_CORE), capture_output=True, text=True, check=True, timeout=seconds + 60
    ).stdout
    rate, p99 = _RATE.search(said), _P99.search(said)
    failures = [*_FAILED.findall(said), *(count for found in _SOCKET_ERRORS.findall(said) for count in found)]
    if not rate or not p99:
        sys.exit(f"wrk said something else than expected: {said}")
    return float(rate[1]), float(p99[1]) * _UNITS_MS[p99[2]], sum(map(int, failures))


def _wait_until_it_answers(
    process: GuardedProcess, request: urllib.request.Request, title: str, log: Callable[[], bytes]
) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(request, timeout=2).close()  # noqa: S310 - our own address
            return
        except urllib.error.HTTPError as error:
            sys.exit(f"{title} answers {error.code}")
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{title} does not start: {log().decode(errors='replace')[-1500:]}")
            time.sleep(0.05)

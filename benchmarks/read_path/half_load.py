"""Waits under half of the most that a peer answers: h2load sends at a fixed rate, whether answers come or not.

Its connections all keep one beat, so those that open together also ask together, in bursts of their number. They are
opened one a millisecond therefore, and the beat is no simple multiple of that: requests spread evenly over it.
"""

import subprocess
import sys
from math import ceil

from benchmarks.read_path.load import CLIENT_CORE, WARM_SECONDS, measured, pinned, running
from benchmarks.read_path.packages import program
from benchmarks.read_path.peers import Peer, Stage
from benchmarks.read_path.waits import HalfLoad, Waits, waits_in

BEAT_MS = 15.618  # 14 and the golden ratio: neighbours in time are then never close
_OPENING_MS = 1


def half_load_of(peer: Peer, stage: Stage, per_second: float, rounds: int, seconds: int) -> HalfLoad:
    """Start the peer and load it, round after round, with the rate nearest to `per_second` that beats can make."""
    connections = max(1, round(per_second * BEAT_MS / 1000))
    found = HalfLoad(per_second, connections)
    with running(peer, stage) as port:
        measured(peer, port, stage, WARM_SECONDS)
        for number in range(rounds):
            waits = _loaded(port, stage, connections, seconds)
            found.rounds.append(waits)
            sys.stderr.write(
                f"{stage.title}, half load, round {number + 1}: {peer.name} {waits.per_second:,.0f}/s, "
                f"p99 {waits.p99_ms:.2f} ms\n"
            )
    return found


def _loaded(port: int, stage: Stage, connections: int, seconds: int) -> Waits:
    """Return what the log tells; all connections stay until the `seconds` are over."""
    opening_seconds = 2 * connections * _OPENING_MS / 1000  # twice, for timers that come late
    log = stage.folder / "h2load.log"
    log.unlink(missing_ok=True)
    requests = connections * ceil((opening_seconds + seconds) * 1000 / BEAT_MS)
    command = [program("h2load", "nghttp2-client"), "--h1", f"--clients={connections}", "--threads=1"]
    command += [f"--requests={requests}", f"--rps={1000 / BEAT_MS}", "--rate=1", f"--rate-period={_OPENING_MS}ms"]
    command += [f"--log-file={log}", f"http://127.0.0.1:{port}{stage.target}"]
    ended = subprocess.run(  # noqa: S603 - our own command
        pinned(command, CLIENT_CORE), capture_output=True, text=True, check=True, timeout=seconds + 60
    )
    try:
        return waits_in(log.read_text(), opening_seconds, seconds)
    except (OSError, ValueError) as error:
        sys.exit(f"h2load found nothing ({error}): {ended.stdout[-800:]}{ended.stderr[-800:]}")

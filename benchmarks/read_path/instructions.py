"""Instructions a request by callgrind: the application alone, without sockets, its own reads of Redis included."""

import re
import subprocess
import sys

from benchmarks.read_path.packages import REPOSITORY, program
from benchmarks.read_path.peers import APPS, Stage

APPLICATIONS = {
    "bare": (f"{APPS}.bare", {}),
    "layer": ("nexusmeme.wsgi", {}),
    "view": (f"{APPS}.django_site", {"BENCH_APP": "view"}),
    "constant": (f"{APPS}.django_site", {"BENCH_APP": "constant"}),
}
_FIRST_CALLS = 20
_COLLECTED = re.compile(r"Collected : (\d+)")


def instructions_per_request(name: str, stage: Stage, calls: int) -> float:
    """Return millions of instructions, the difference of two runs divided by the calls between them."""
    few, many = (_instructions(name, stage, count) for count in (_FIRST_CALLS, _FIRST_CALLS + calls))
    return (many - few) / calls / 1e6


def _instructions(name: str, stage: Stage, calls: int) -> int:
    module, environment = APPLICATIONS[name]
    command = [program("valgrind", "valgrind"), "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    command += ["-m", "benchmarks.read_path.drive", module, stage.target.partition("?")[2], str(calls)]
    variables = stage.environment(PYTHONHASHSEED="0", **environment)
    ended = subprocess.run(  # noqa: S603 - our own command
        command, cwd=REPOSITORY, env=variables, capture_output=True, text=True, check=False
    )
    found = _COLLECTED.search(ended.stderr)
    if ended.returncode or not found:
        sys.exit(f"callgrind of {name} failed: {ended.stderr[-800:]}")
    return int(found[1])

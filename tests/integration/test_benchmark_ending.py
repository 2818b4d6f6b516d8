"""Who ends a benchmark in its middle finds nothing of it left running."""

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import psutil
import pytest

from tests.process_facts import wait_until

ROOT = Path(__file__).resolve().parents[2]


def marked(mark: str) -> list[psutil.Process]:
    """Return the processes, zombies aside, that have inherited the mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and mark in process.environ():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.mark.parametrize("command", [["benchmarks", "--only", "write-path"], ["benchmarks.scale", "--quick"]])
def test_sigterm_in_the_middle_leaves_no_process_behind(command: list[str], tmp_path: Path) -> None:
    mark = f"BENCHMARK_{uuid.uuid4().hex}"
    run = subprocess.Popen(
        [sys.executable, "-m", *command, "--results", str(tmp_path)],
        cwd=ROOT, env={**os.environ, mark: "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(lambda: len(marked(mark)) > 6, "several processes of the benchmark", 60)
        run.send_signal(signal.SIGTERM)
        assert run.wait(60) == 128 + signal.SIGTERM
    finally:
        run.kill()
        run.wait()
    wait_until(lambda: marked(mark) == [], "the end of everything that it started", 30)

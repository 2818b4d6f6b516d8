"""The write path's benchmark runs as its README says, and ends what it started."""

import os
import subprocess
import sys
import uuid
from pathlib import Path

import psutil

from benchmarks.write_path_stage import Cycle
from benchmarks.write_path_table import as_markdown, row_of

ROOT = Path(__file__).resolve().parents[2]


def cycle(cpu_ms: float, fresh: int = 10) -> Cycle:
    return Cycle(
        cpu_ms=cpu_ms, wall_ms=9, memory_mib=60, fresh=fresh, requests=1, weight=2, answer_bytes=2500,
        exchange_ms=5, redis_round_trips=3,
    )  # fmt: skip


def test_a_row_has_medians_quartiles_and_the_worst_cycle_s_missing_prices() -> None:
    row = row_of(80, 10, "NexusMeme", [cycle(1), cycle(2), cycle(9, fresh=8), cycle(3), cycle(4)])

    assert not row.is_complete
    assert (
        as_markdown([row], None).splitlines()[2]
        == "| 80 | 10 | NexusMeme | 3 (2–4) | 9 | 5 | 1 | 2 | 2.5 | 3 | 60 | 2 |"
    )


def test_a_quick_run_brings_every_pair_from_every_fetcher_and_leaves_no_process_behind() -> None:
    mark = f"BENCHMARK_{uuid.uuid4().hex}"
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.write_path", "--quick", "--pairs", "10", "450"],
        cwd=ROOT, env={**os.environ, mark: "1"}, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    rows = [line.strip("| ").split(" | ") for line in run.stdout.splitlines() if line.startswith("| ")][2:]

    assert run.returncode == 0, run.stderr
    asked = {(row[2], row[1]): (int(row[6]), int(row[7])) for row in rows}
    assert asked == {
        ("NexusMeme", "10"): (1, 2),
        ("NexusMeme", "450"): (1, 80),
        ("session + json + pipeline", "10"): (1, 2),
        ("session + json + pipeline", "450"): (45, 90),
    }
    assert len(rows) == 8
    assert [process for process in psutil.process_iter() if has_in_environment(process, mark)] == []


def has_in_environment(process: psutil.Process, name: str) -> bool:
    try:
        return name in process.environ()
    except psutil.Error:
        return False


def test_input_that_makes_no_sense_is_refused_with_what_to_write() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.write_path", "--pairs", "0"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert run.returncode == 2
    assert "--pairs 10 500" in run.stderr

"""`make bench`: read path, write path, freshness and page one after the other, then one table and one plot of all.

`python -m benchmarks [--quick] [--only read-path ...]` writes into `benchmarks/results/` and exits with 1 where a part
failed or missed its own limit. Every process that it starts ends with it, on SIGTERM too.
"""

import argparse
import os
import sys
from pathlib import Path

from benchmarks.overview import figures_of, write_overview
from benchmarks.running_stack import ROOT, end_on_sigterm
from development.guarded_process import GuardedProcess

RESULTS = ROOT / "benchmarks" / "results"
PARTS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "read-path": ("benchmarks.read_path", (), ("--quick",)),
    "write-path": ("benchmarks.write_path", (), ("--quick",)),
    "freshness": ("benchmarks.freshness", (), ("--quick",)),
    "page-cards": ("benchmarks.page", ("--view", "cards"), ("--rounds", "3", "--warm-up-rounds", "2")),
    "page-table": ("benchmarks.page", ("--view", "table"), ("--rounds", "3", "--warm-up-rounds", "2")),
}
"""Name → module, its options, and those that make it quick."""


def run_part(name: str, results: Path, *, is_quick: bool) -> int:
    """Run a part to its end and return its exit code; end it where we are ended."""
    module, options, quick_options = PARTS[name]
    command = [sys.executable, "-m", module, *options, *(quick_options if is_quick else ()), "--results", str(results)]
    figures_of(results, name).unlink(missing_ok=True)  # a part that fails must not pass with the figures of another day
    sys.stdout.write(f"\n== {name}: {' '.join(command[1:])}\n")
    sys.stdout.flush()
    with GuardedProcess(command, environment={**os.environ, "PYTHONPATH": str(ROOT)}) as part:
        return part.wait()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="minutes instead of an hour, to see that it works")
    parser.add_argument("--only", nargs="+", choices=tuple(PARTS), default=tuple(PARTS), metavar="PART")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="FOLDER")
    chosen = parser.parse_args()
    end_on_sigterm()
    results = chosen.results.resolve()
    results.mkdir(parents=True, exist_ok=True)
    exit_codes = {name: run_part(name, results, is_quick=chosen.quick) for name in chosen.only}
    for path in write_overview(results, exit_codes, is_quick=chosen.quick):
        sys.stdout.write(f"written: {path}\n")
    failed = [name for name, exit_code in exit_codes.items() if exit_code]
    sys.stderr.write(f"failed, or missed a limit of their own: {', '.join(failed)}\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""The stacks that `make run` and `make demo` keep in the folder `.run`: who runs, and where."""

import fcntl
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunningStack:
    """Addresses as base URLs, and process ids by name."""

    web: str
    exchange_simulator: str | None
    pids: Mapping[str, int]


def find_running_stacks(folder: Path) -> list[RunningStack]:
    """Return the stacks whose files in `folder` are locked: a file without a lock was left behind."""
    found = (_read(path) for path in sorted(folder.glob("stack-*.json")))
    return [stack for stack in found if stack is not None]


def _read(path: Path) -> RunningStack | None:
    try:
        with path.open(encoding="utf-8") as file:
            if not _is_locked(file.fileno()):
                return None
            content = json.load(file)
            return RunningStack(content["web"], content["exchange_simulator"], content["pids"])
    except (OSError, ValueError, KeyError, TypeError):  # half written, for example: it begins just now
        return None


def _is_locked(file_descriptor: int) -> bool:
    try:
        fcntl.flock(file_descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False

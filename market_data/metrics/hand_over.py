"""Hands over what the read path has counted to prometheus_client: where workers share a folder, once a second."""

import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from market_data.api.counters import open_counters
from market_data.conf.loading import get_settings
from market_data.ticker_cache.failures import failure_counts

if TYPE_CHECKING:
    from market_data.metrics.served import ServedMetrics

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0
_DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
_opening = threading.Lock()


def is_installed() -> bool:
    """Tell whether there is prometheus_client, which the app does not need."""
    return find_spec("prometheus_client") is not None


def begin() -> None:
    """Make sure that other workers learn what this one counts. Where they share no folder, `/metrics` asks for it."""
    if get_settings().metrics_folder or _DIRECTORY in os.environ:
        _thread()


def open_served_metrics() -> "ServedMetrics":
    """Return the process's one set of metrics."""
    with _opening:  # two sets would share the counts
        return _served_metrics()


@lru_cache(maxsize=1)
def _served_metrics() -> "ServedMetrics":
    folder = _shared_folder()
    from market_data.metrics.served import ServedMetrics

    return ServedMetrics(open_counters(), failure_counts, folder)


def _shared_folder() -> Path | None:
    """Name the workers' folder to prometheus_client, which looks for it while it is imported, and return it."""
    named = get_settings().metrics_folder
    if named and _DIRECTORY not in os.environ:
        if problem := _problem_with(Path(named)):
            logger.warning(
                "MARKET_DATA_METRICS_FOLDER cannot be used: %s. Until the next start /metrics counts what one worker "
                "alone has served",
                problem,
            )
        else:
            os.environ[_DIRECTORY] = named
    return Path(os.environ[_DIRECTORY]) if _DIRECTORY in os.environ else None


def _problem_with(folder: Path) -> str | None:
    if "prometheus_client" in sys.modules:
        return f"prometheus_client was imported before; write {_DIRECTORY}={folder} into the environment"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return str(error)
    return None if os.access(folder, os.W_OK | os.X_OK) else f"{folder} is not writable for this process"


@lru_cache(maxsize=1)
def _thread() -> threading.Thread:
    thread = threading.Thread(target=_hand_over_for_ever, args=(time.sleep,), name="metrics", daemon=True)
    thread.start()
    return thread


def _hand_over_for_ever(sleep: Callable[[float], None]) -> None:
    while True:
        open_served_metrics().take_over()
        sleep(PAUSE_SECONDS)


def _begin_anew_in_a_child() -> None:
    global _opening  # the parent may hold it while it forks
    _opening = threading.Lock()
    _served_metrics.cache_clear()
    _thread.cache_clear()


os.register_at_fork(after_in_child=_begin_anew_in_a_child)

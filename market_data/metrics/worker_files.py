"""The folder in which the workers of one web server tell each other what they have served: one small file each.

A file stays when its worker ends, so that no sum ever falls; the next run of the web server begins with none.
"""

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from django.core.signals import setting_changed

from market_data.conf.loading import get_settings
from market_data.metrics.tallies import ServedTallies, Tally, decode, encode, open_served_tallies, summed

logger = logging.getLogger(__name__)

SUFFIX = ".served"
PUBLISH_SECONDS = 1.0
_LARGEST_FILE = 262_144


class WorkerFiles:
    """Publishes this process's totals and sums up those of all. A folder that cannot be used is logged once."""

    def __init__(self, folder: Path, tallies: ServedTallies) -> None:
        self._folder = folder
        self._tallies = tallies
        # A process id comes again, and the file of an ended worker must not be overwritten.
        self._own = folder / f"{os.getpid()}-{secrets.token_hex(8)}{SUFFIX}"
        self._published = b""
        self._is_unusable = False
        self._lock = threading.Lock()

    def publish(self) -> None:
        """Write the own totals where they are not as they were; a reader sees the old file or the new one."""
        with self._lock:
            content = encode(self._tallies.totals())
            if content == self._published:
                return
            unfinished = self._own.with_suffix(".unfinished")
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                unfinished.write_bytes(content)
                unfinished.replace(self._own)
            except OSError as error:
                self._note_unusable(error)
                return
            self._published, self._is_unusable = content, False

    def totals(self) -> Tally:
        """Return the sums over all workers, ended ones included, this one up to now."""
        self.publish()
        own = self._tallies.totals()
        try:
            others = [path for path in self._folder.glob(f"*{SUFFIX}") if path != self._own]
            return summed([own, *(decode(_content(path)) for path in others)])
        except OSError as error:
            self._note_unusable(error)
            return own

    def _note_unusable(self, error: OSError) -> None:
        if not self._is_unusable:
            self._is_unusable = True
            logger.warning(
                "MARKET_DATA_METRICS_FOLDER cannot be used: %s. Until it can, /metrics counts what one worker alone "
                "has served. Name a folder that the web server may write to",
                error,
            )


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LARGEST_FILE)


@lru_cache(maxsize=1)
def open_worker_files() -> WorkerFiles | None:
    """Return the process's one publisher, None where no folder is set."""
    folder = get_settings().metrics_folder
    return WorkerFiles(Path(folder), open_served_tallies()) if folder else None


def served_totals() -> Tally:
    """Return what has been served: by all workers where they share a folder, else by this one."""
    files = open_worker_files()
    return open_served_tallies().totals() if files is None else files.totals()


class Publishing:
    """Starts a thread, once a process and only where it has served something, that publishes every second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid = 0

    def begin(self) -> None:
        """Make sure that the totals of this process are published from now on."""
        if self._pid == os.getpid():
            return
        with self._lock:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
        if open_worker_files() is not None:
            threading.Thread(target=_publish_for_ever, args=(time.sleep,), name="metrics", daemon=True).start()


def _publish_for_ever(sleep: Callable[[float], None]) -> None:
    while True:
        files = open_worker_files()
        if files is not None:
            files.publish()
        sleep(PUBLISH_SECONDS)


def _forget_files(**_: object) -> None:
    open_worker_files.cache_clear()


setting_changed.connect(_forget_files)
os.register_at_fork(after_in_child=open_worker_files.cache_clear)

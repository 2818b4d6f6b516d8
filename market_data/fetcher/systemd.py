"""What the fetcher tells systemd, by its protocol `sd_notify(3)`: ready, state in words, alive, about to end."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

from market_data.ticker.outcome import PairOutcome
from market_data.ticker_cache.status import FetcherStatus

_LONGEST_ERROR = 200
_DEFAULT_WATCHDOG_MICROSECONDS = 60_000_000


class ServiceNotifier:
    """Sends datagrams to the socket that the service manager named; without one it says nothing.

    Every word is proof of progress: the caller gives it from the loop itself, at the end of a cycle or of a look at
    the lease, never from a thread that would live on beside a hung loop. Until it is ready, the start-up time-out is
    prolonged instead of the watchdog fed. Nothing here waits: a service manager that does not read is not waited for.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _socket_address(environment.get("NOTIFY_SOCKET", ""))
        self._prolong_microseconds = _microseconds(environment.get("WATCHDOG_USEC", ""))
        self._is_ready = False
        self._is_stopping = False
        self._told_status = ""
        if self._address is not None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def cycle_ended(self, status: FetcherStatus, *, holds_lease: bool) -> None:
        """Tell of a refresh cycle that reached its end, with whatever result."""
        self._progress(status_words(status, holds_lease=holds_lease), is_ready=True)

    def stands_by(self) -> None:
        """Tell that another fetcher is active and that this one looks after the lease."""
        self._progress("standing by: another fetcher is active; lease: not held", is_ready=True)

    def waits_for_cache(self) -> None:
        """Tell that Redis does not answer. It is progress, but nobody is served by it yet."""
        self._progress("waiting for Redis, which does not answer; lease: not held", is_ready=False)

    def stopping(self) -> None:
        """Tell, once, that the process is about to end."""
        if not self._is_stopping:
            self._is_stopping = True
            self._send("STOPPING=1", "STATUS=stopping")

    def _progress(self, status: str, *, is_ready: bool) -> None:
        if self._is_stopping:
            return
        lines = []
        if is_ready and not self._is_ready:
            self._is_ready = True
            lines.append("READY=1")
        lines.append("WATCHDOG=1" if self._is_ready else f"EXTEND_TIMEOUT_USEC={self._prolong_microseconds}")
        if status != self._told_status:
            self._told_status = status
            lines.append(f"STATUS={status}")
        self._send(*lines)

    def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        with suppress(OSError):
            self._socket.sendto("\n".join(lines).encode(), socket.MSG_DONTWAIT, self._address)


def status_words(status: FetcherStatus, *, holds_lease: bool) -> str:
    """Return one line: pairs that the last cycle made fresh, of all; circuit; lease; what went wrong."""
    fresh = sum(pair.outcome == PairOutcome.OK for pair in status.pairs.values())
    lease = "held" if holds_lease else "lost"
    words = f"pairs fresh: {fresh}/{len(status.pairs)}; circuit: {status.circuit_breaker.state}; lease: {lease}"
    error = " ".join((status.stats.last_error or "").split())[:_LONGEST_ERROR]
    return f"{words}; last error: {error}" if error else words


def _socket_address(name: str) -> str | bytes | None:
    """Return the address of a path or of an abstract socket, written with `@`; None for any other, as vsock."""
    if name.startswith("@"):
        return b"\0" + os.fsencode(name[1:])
    return name if name.startswith("/") else None


def _microseconds(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else _DEFAULT_WATCHDOG_MICROSECONDS

"""A watch over requests under way: each ends at its deadline, and all of them when the process stops.

It shuts down their sockets, for a timeout of the HTTP library starts anew with every byte that arrives.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_LONGEST_WATCH_SECONDS = 3600.0


class RequestInFlight:
    """One request under way, with its hold on the socket that serves it."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.is_cancelled = False
        self.is_unwanted = False
        self._socket: socket.socket | None = None

    def uses(self, sock: socket.socket) -> None:
        """Take hold of a socket, by a descriptor of its own: urllib3 wraps or closes its own while bytes still come."""
        self.release()
        self._socket = socket.socket(fileno=os.dup(sock.fileno()))
        if self.is_cancelled:
            self.cancel()

    def cancel(self) -> None:
        """End the request: whoever waits for bytes of its socket wakes up."""
        self.is_cancelled = True
        sock = self._socket
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def release(self) -> None:
        """Let go of the socket, which stays open for the next request."""
        sock, self._socket = self._socket, None
        if sock is not None:
            sock.close()


class RequestDeadlines:
    """The requests under way, and the thread that ends them."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._in_flight: set[RequestInFlight] = set()
        self._changed = threading.Condition()
        self._wakes_at = 0.0
        self.is_closed = False
        threading.Thread(target=self._watch, name="request-deadlines", daemon=True).start()

    @contextmanager
    def watched(self, request: RequestInFlight) -> Iterator[None]:
        """Watch a request for as long as the block lasts."""
        with self._changed:
            self._in_flight.add(request)
            if request.deadline < self._wakes_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._in_flight.discard(request)
            request.release()

    def cancel_all(self) -> None:
        """End every request under way."""
        with self._changed:
            for request in self._in_flight:
                request.is_unwanted = True
                request.cancel()

    def close(self) -> None:
        """End every request, and the watch."""
        self.is_closed = True
        self.cancel_all()
        with self._changed:
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self.is_closed:
                now = self._monotonic()
                waits = [request.deadline - now for request in self._in_flight if not request.is_cancelled]
                for request in self._in_flight:
                    if request.deadline <= now:
                        request.cancel()
                wait = max(0.001, min(waits, default=_LONGEST_WATCH_SECONDS))
                self._wakes_at = now + wait
                self._changed.wait(wait)

"""The socket on which a service manager listens to its services: real, with everything kept that was said."""

import socket
from pathlib import Path
from uuid import uuid4


class NotifySocket:
    """A datagram socket at a path, or an abstract one; `name` is what goes into NOTIFY_SOCKET."""

    def __init__(self, folder: Path | None = None) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        path = str(folder / "notify") if folder else f"\0{uuid4()}"
        self._socket.bind(path)
        self.name = path.replace("\0", "@")
        self._said: list[str] = []

    @property
    def said(self) -> list[str]:
        """Return every line so far, in order."""
        while True:
            try:
                datagram = self._socket.recv(65536)
            except BlockingIOError:
                return self._said
            self._said += datagram.decode().split("\n")

    @property
    def status(self) -> str:
        """Return the last state in words, empty before the first."""
        words = [line.removeprefix("STATUS=") for line in self.said if line.startswith("STATUS=")]
        return words[-1] if words else ""

    @property
    def beats(self) -> int:
        """Return how often the watchdog was fed."""
        return self.said.count("WATCHDOG=1")

    def close(self) -> None:
        self._socket.close()

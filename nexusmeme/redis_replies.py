"""Bounds on what a reply of Redis may cost: a value's length, and the time until the reply is complete.

Installed as django-redis's `PARSER_CLASS`; it takes the place of redis-py's own parser of the protocol's version 2.
"""

import time
from typing import Any

import redis
from redis._parsers.resp2 import _RESP2Parser
from redis._parsers.socket import SocketBuffer
from redis.utils import SENTINEL

MAX_VALUE_BYTES = 2 * 1024 * 1024
"""The longest value that anything here writes, the fetcher's report on thousands of pairs, has less than half of it."""
REPLY_SECONDS = 1.0
_CHUNK_BYTES = 64 * 1024


class BoundedReplyBuffer(SocketBuffer):
    """Reads the place of an overlong value as an empty one, without ever holding its bytes.

    A time-out of a socket starts anew with every byte that arrives, so `deadline` ends a reply that trickles in.
    """

    deadline: float | None = None

    def read(self, length: int, timeout: Any = SENTINEL) -> bytes:
        if length <= MAX_VALUE_BYTES:
            return super().read(length, timeout)
        self._skip(length + len(b"\r\n"), timeout)
        return b""

    def _skip(self, length: int, timeout: Any) -> None:
        while length > 0:
            skipped = len(self._buffer.read(min(length, _CHUNK_BYTES)))
            length -= skipped
            if not skipped:
                self._buffer.seek(0)
                self._buffer.truncate()
                self._read_from_socket(timeout=timeout)

    def _read_from_socket(self, length: int | None = None, *args: Any, **kwargs: Any) -> bool:
        """Read at least `length` bytes, in pieces as they come, so that the deadline is looked at between them."""
        wanted = self.unread_bytes() + (length or 1)
        while self.unread_bytes() < wanted:
            if self.deadline is not None and time.monotonic() >= self.deadline:
                raise redis.TimeoutError("the reply of Redis was not complete in time")
            if not super()._read_from_socket(None, *args, **kwargs):
                return False
        return True


class BoundedReplyParser(_RESP2Parser):
    """redis-py's parser of replies, with `BoundedReplyBuffer` under it."""

    def on_connect(self, connection: Any) -> None:
        super().on_connect(connection)
        self._buffer = BoundedReplyBuffer(self._sock, self.socket_read_size, connection.socket_timeout)

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        self._buffer.deadline = time.monotonic() + max(REPLY_SECONDS, 2 * (self._buffer.socket_timeout or 0))
        try:
            return super().read_response(*args, **kwargs)
        finally:
            if self._buffer is not None:
                self._buffer.deadline = None

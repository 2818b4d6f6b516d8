"""Keeps what was worked out, up to a number of entries and bytes; what comes later is not kept. Pure."""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedMemo(Generic[Value]):
    """A mapping that never holds more than it may, whatever is put in. Readers need no lock."""

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._free_bytes = max_bytes
        self._lock = threading.Lock()
        self._values: dict[Hashable, Value] = {}
        self._sizes: dict[Hashable, int] = {}
        self.get = self._values.get

    def __len__(self) -> int:
        return len(self._values)

    def keep(self, key: Hashable, value: Value, size_bytes: int) -> None:
        """Keep `value` if there is room for `size_bytes`, also in place of an older one of the same key."""
        with self._lock:
            free_bytes = self._free_bytes + self._sizes.get(key, 0)
            if size_bytes > free_bytes or (key not in self._values and len(self._values) >= self._max_entries):
                return
            self._free_bytes = free_bytes - size_bytes
            self._sizes[key] = size_bytes
            self._values[key] = value

"""The prices that every peer serves, kept fresh as a fetcher does: records that live for 15 s, written every 4 s."""

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import redis

LIFE_MS = 15_000
LAST_KNOWN_LIFE_MS = 86_400_000
INTERVAL_SECONDS = 4.0
_RECORD = (
    '{{"pair":"{pair}","price":43250.10000000,"volume":28500.50000000,"timestamp":{now_ms},'
    '"change24h":2.500,"high24h":43500.00000000,"low24h":42900.00000000}}'
)


class FreshRecords:
    """Context manager: writes records of `pairs` until its end; `body` is the whole answer as it was last written."""

    def __init__(self, redis_url: str, pairs: Sequence[str]) -> None:
        self._client = redis.Redis.from_url(redis_url)
        self._pairs = tuple(pairs)
        self._is_over = threading.Event()
        self._writer = threading.Thread(target=self._write_again, daemon=True)
        self.body = ""

    def __enter__(self) -> Self:
        self._write()
        self._writer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._writer.join()
        self._client.close()

    def _write_again(self) -> None:
        while not self._is_over.wait(INTERVAL_SECONDS):
            self._write()

    def _write(self) -> None:
        now_ms = time.time_ns() // 1_000_000
        records = {pair: _RECORD.format(pair=pair, now_ms=now_ms) for pair in self._pairs}
        with self._client.pipeline(transaction=False) as together:
            for pair, record in records.items():
                together.set(f"market_data:{pair}", record, px=LIFE_MS)
                together.set(f"market_data_last:{pair}", record, px=LAST_KNOWN_LIFE_MS)
            together.execute()
        self.body = "{" + ",".join(f'"{pair}":{record}' for pair, record in records.items()) + "}"

"""Instants, durations and amounts of memory in words. Pure."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from market_data.ticker.pairs import split_pair

NOTHING = "–"
_END_OF_CALENDAR_MS = 253_402_300_799_000  # 9999-12-31 23:59:59 UTC
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"))
_BYTE_UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def duration_text(duration_ms: int) -> str:
    """Return text like `234 ms`, `4.2 s`, `12 s` or `5 min`."""
    if duration_ms < 1000:
        return f"{duration_ms} ms"
    if duration_ms < 10_000:
        return f"{duration_ms // 100 / 10:.1f} s"
    size, unit = next((unit for unit in _UNITS if duration_ms >= unit[0]), (1000, "s"))
    return f"{duration_ms // size} {unit}"


def instant_text(instant_ms: int | None, now_ms: int) -> str:
    """Return text like `2026-11-22 18:47:00 UTC, 3.2 s ago`; what is no instant of any calendar as its Unix ms."""
    if instant_ms is None:
        return NOTHING
    distance = duration_text(abs(instant_ms - now_ms))
    try:
        clock = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(instant_ms // 1000))
    except (OverflowError, ValueError, OSError):
        return f"Unix ms {instant_ms}"
    return f"{clock}, in {distance}" if instant_ms > now_ms else f"{clock}, {distance} ago"


def utc_text(instant_ms: int) -> str:
    """Return an instant in Unix ms like `2026-11-22 20:15:00 UTC`; one past the calendar's end is that end."""
    return f"{datetime.fromtimestamp(min(instant_ms, _END_OF_CALENDAR_MS) / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"


def listed(texts: Sequence[str], most: int = 5) -> str:
    """Return the first of these texts, and how many more there are."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def alias_text(pair: str, alias: str, rate: Decimal | None) -> str:
    """Return what is said of a pair that an alias prices, and of the alias's worth where it is known."""
    worth = "" if rate is None else f", at {rate.normalize():f} {split_pair(pair)[1]}"
    return f"priced in {alias}{worth}"


def bytes_text(count: int) -> str:
    """Return text like `1.4 MiB`."""
    size, unit = next((unit for unit in _BYTE_UNITS if count >= unit[0]), (1, "B"))
    return f"{count} B" if size == 1 else f"{count / size:.1f} {unit}"

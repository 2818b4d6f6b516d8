"""Whether prices are real. Pure."""

from enum import StrEnum


class Source(StrEnum):
    """Where the prices in Redis come from: from exchanges, or from the simulator."""

    LIVE = "binance"  # the value of the time when there was one exchange: old and new processes share it in Redis
    BINANCE = "binance"
    SIMULATOR = "simulator"

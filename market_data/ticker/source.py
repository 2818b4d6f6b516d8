"""Whose prices are served. Pure."""

from enum import StrEnum


class Source(StrEnum):
    """Whose prices are served."""

    BINANCE = "binance"
    SIMULATOR = "simulator"

"""Whether a symbol trades whose row looks frozen: only what the exchange lists after the doubt began says so. Pure."""

_YOUNG_LIST_SECONDS = 5.0


class TradingDoubts:
    """Remembers since when each symbol has been in doubt, in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._began_at: dict[str, float] = {}
        self._once_live: set[str] = set()

    def clear(self, symbol: str) -> None:
        """End the doubt: a row that is alive has come."""
        self._began_at.pop(symbol, None)
        self._once_live.add(symbol)

    def is_answered(self, symbol: str, now: float, *, listed_at: float | None, told_at: float | None) -> bool:
        """Note a doubtful row; tell whether what was told of the symbol was asked for after the doubt began.

        A symbol that nobody has seen alive yet is believed the list that has just come.
        """
        begins_at = now
        if symbol not in self._once_live and listed_at is not None and now - listed_at < _YOUNG_LIST_SECONDS:
            begins_at = listed_at
        began_at = self._began_at.setdefault(symbol, begins_at)
        return told_at is not None and told_at >= began_at

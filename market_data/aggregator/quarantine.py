"""Symbols that the exchange did not know: left out of the batches, asked for again ever more rarely. Pure."""

from collections.abc import Callable

from market_data.exchanges.backoff import ExponentialBackoff


class Quarantine:
    """Keeps each refused symbol apart until its time is over; the wait doubles with every refusal."""

    def __init__(self, *, wait: ExponentialBackoff, monotonic: Callable[[], float]) -> None:
        self._wait = wait
        self._monotonic = monotonic
        self._refusals: dict[str, int] = {}
        self._until: dict[str, float] = {}
        self._refused_at: dict[str, float] = {}

    def add(self, symbol: str) -> None:
        """Put a refused symbol apart, or again after another refusal."""
        self._refusals[symbol] = self._refusals.get(symbol, 0) + 1
        self._refused_at[symbol] = self._monotonic()
        self._until[symbol] = self._refused_at[symbol] + self._wait.delay_seconds(self._refusals[symbol])

    def remove(self, symbol: str) -> None:
        """Let a symbol back in: the exchange knows it."""
        self._refusals.pop(symbol, None)
        self._refused_at.pop(symbol, None)
        self._until.pop(symbol, None)

    def pardon(self, is_trading: Callable[[str], bool], listed_at: float) -> None:
        """End the wait of symbols that were refused once and that a list asked for later has as trading.

        After a second refusal such a list is no longer believed.
        """
        for symbol, refusals in self._refusals.items():
            if refusals == 1 and self._refused_at[symbol] < listed_at and is_trading(symbol):
                self._until[symbol] = listed_at

    def is_resting(self, symbol: str) -> bool:
        """Tell whether the symbol must not be asked for yet."""
        return self._monotonic() < self._until.get(symbol, 0.0)

    def is_suspect(self, symbol: str) -> bool:
        """Tell whether the symbol was refused the last time, so that it is asked for on its own."""
        return symbol in self._refusals

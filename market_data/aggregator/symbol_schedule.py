"""When an exchange's list of symbols is due, and when the status of those in use. Pure.

Instants are seconds of a monotonic clock. Between two lists only statuses are asked for, at a fraction of the cost: a
symbol that is halted may keep a row that looks alive, and nothing but its status tells.
"""

from collections.abc import Set

from market_data.exchanges.backoff import ExponentialBackoff

RELOAD_SECONDS = 3600.0
SOONEST_RELOAD_SECONDS = 30.0
STATUS_CHECK_SECONDS = 30.0
_SOONEST_CHECK_SECONDS = 5.0
_MOST_DOUBLINGS = 6


class SymbolSchedule:
    """Lists come hourly, and sooner where pairs need one; statuses come twice a minute."""

    def __init__(self, retry: ExponentialBackoff) -> None:
        self._retry = retry
        self._next_load_at = 0.0
        self._next_check_at = 0.0
        self._told_at = 0.0
        self._failed_checks = 0
        self._unsettled: Set[str] = frozenset()
        self._loads_in_vain = 0
        self.failed_loads = 0
        self.loaded_at: float | None = None
        """When the present list was asked for."""

    def is_load_due(self, now: float) -> bool:
        return now >= self._next_load_at

    def is_check_due(self, now: float) -> bool:
        return self.loaded_at is not None and now >= self._next_check_at

    def load_succeeded(self, asked_at: float) -> None:
        self.failed_loads = 0
        self.loaded_at = asked_at
        self._loads_in_vain += 1
        self._next_load_at = asked_at + RELOAD_SECONDS
        self.check_succeeded(asked_at)

    def load_failed(self, now: float, wait_seconds: float) -> None:
        """`wait_seconds` is what the exchange asked to wait; prices come first, so the list waits for longer."""
        self.failed_loads += 1
        self._next_load_at = now + wait_seconds + self._retry.delay_seconds(self.failed_loads)
        self._next_check_at = max(self._next_check_at, self._next_load_at)

    def check_succeeded(self, asked_at: float) -> None:
        self._failed_checks = 0
        self._told_at = asked_at
        self._next_check_at = asked_at + STATUS_CHECK_SECONDS

    def check_failed(self, now: float) -> None:
        self._failed_checks += 1
        self._next_check_at = now + max(STATUS_CHECK_SECONDS, self._retry.delay_seconds(self._failed_checks))

    def want_load(self, within_seconds: float = 0.0) -> None:
        """Ask for a new list once the present one is this old, but never more than twice a minute."""
        if self.loaded_at is not None and not self.failed_loads:
            earliest = self.loaded_at + max(SOONEST_RELOAD_SECONDS, within_seconds)
            self._next_load_at = min(self._next_load_at, earliest)

    def want_check(self) -> None:
        """Ask for statuses soon, unless asking fails anyway."""
        if not self._failed_checks:
            self._next_check_at = min(self._next_check_at, self._told_at + _SOONEST_CHECK_SECONDS)

    def note_unsettled(self, pairs: Set[str]) -> None:
        """Ask for new lists while these pairs cannot be priced, ever more rarely as long as they are the same."""
        if pairs != self._unsettled:
            self._unsettled, self._loads_in_vain = pairs, 0
        if pairs:
            self.want_load(SOONEST_RELOAD_SECONDS * 2 ** min(self._loads_in_vain, _MOST_DOUBLINGS))

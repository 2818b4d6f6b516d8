"""What a standby knows about the holder of the lease, and whether that one may still believe in it. Pure."""

from market_data.ticker_cache.lease import LeaseReading


class LeaseRival:
    """The other fetcher that was seen with the lease.

    Redis may lose a lease before its time: it was restarted empty, or a replica took its place that lacks the last
    writes. The holder notices with its next renewal only. So a lease that vanished without having been given back
    stays untouched for one life, in which its holder notices, or takes it again.

    Instants are those of a monotonic clock, in seconds.
    """

    def __init__(self, own_token: str, ttl_ms: int) -> None:
        self._own_token = own_token
        self._ttl_seconds = ttl_ms / 1000
        self._token: str | None = None
        self._expires_at = 0.0
        self._out_of_sight_since: float | None = None
        self._believes_until = 0.0

    def out_of_sight(self, now: float) -> None:
        """Note that Redis did not answer; the holder may have renewed its lease until now."""
        if self._out_of_sight_since is None:
            self._out_of_sight_since = now

    def leaves_free(self, lease: LeaseReading, asked_at: float) -> bool:
        """Return whether the lease that was read may be taken, as far as this rival is concerned."""
        if lease.holder is None:
            self._note_absence(lease, asked_at)
        elif lease.holder == self._own_token:
            self._token, self._believes_until = None, 0.0
        else:
            self._token, self._believes_until = lease.holder, 0.0
            self._expires_at = asked_at + lease.remaining_ms / 1000
        self._out_of_sight_since = None
        return self._token is None and asked_at >= self._believes_until

    def _note_absence(self, lease: LeaseReading, asked_at: float) -> None:
        if self._token is None:
            return
        if lease.released_by != self._token:
            if self._out_of_sight_since is not None:
                self._believes_until = self._out_of_sight_since + self._ttl_seconds
            elif asked_at < self._expires_at:
                self._believes_until = asked_at + self._ttl_seconds
        self._token = None

"""A real Sentinel for tests of a failover: the embedded cache's own program in its other role."""

from development.embedded_cache import EmbeddedCache, server_program
from development.loopback import LOOPBACK

_WRITE_AND_START = 'printf %s "$1" > sentinel.conf && exec "$2" sentinel.conf --sentinel'


class EmbeddedSentinel(EmbeddedCache):
    """Watches the primary on `primary_port` as `service`, and replaces it once `quorum` sentinels miss it."""

    def __init__(self, primary_port: int, *, service: str, quorum: int, down_after_ms: int) -> None:
        super().__init__()
        self._directives = (
            f"bind {LOOPBACK}",
            f"sentinel monitor {service} {LOOPBACK} {primary_port} {quorum}",
            f"sentinel down-after-milliseconds {service} {down_after_ms}",
            f"sentinel failover-timeout {service} {10 * down_after_ms}",
        )

    def _command(self, port: int) -> list[str]:
        """Return a command that writes its configuration first, for a sentinel keeps what it learns in that file."""
        configuration = "\n".join((f"port {port}", *self._directives, ""))
        return ["sh", "-c", _WRITE_AND_START, "sh", configuration, server_program()]

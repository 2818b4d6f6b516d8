"""How an answer goes over the wire, faults of the wire included."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, replace

from exchange_simulator.fault_kinds import Fault, FaultKind, Stage, Value, integer_between, number_between

SMALLEST_GZIPPED_BYTES = 512
LONGEST_SECONDS = 3600


@dataclass(frozen=True)
class Drip:
    """So many bytes at a time, and a pause after each."""

    pause_seconds: float
    chunk_bytes: int


@dataclass(frozen=True)
class Delivery:
    latency_seconds: float = 0
    is_dropped: bool = False
    sent_fraction: float = 1
    content_length_change: int = 0
    is_gzip_false: bool = False
    is_last: bool = False
    head_drip: Drip | None = None
    body_drip: Drip | None = None

    @property
    def ends_connection(self) -> bool:
        return self.is_last or self.sent_fraction < 1 or self.content_length_change != 0


def encode_content(body: bytes, accepts_gzip: bool, delivery: Delivery) -> tuple[bytes, str | None]:
    """Return the body as it is sent, and its Content-Encoding."""
    if delivery.is_gzip_false:
        return body, "gzip"
    if accepts_gzip and len(body) >= SMALLEST_GZIPPED_BYTES:
        return gzip.compress(body, compresslevel=1), "gzip"
    return body, None


def in_pieces(head: bytes, body: bytes, delivery: Delivery) -> Iterator[tuple[bytes, float]]:
    """Yield what is written, piece by piece, with the seconds to wait before each."""
    body = body[: int(len(body) * delivery.sent_fraction)]
    if delivery.head_drip is None and delivery.body_drip is None:
        yield head + body, 0.0
    else:
        yield from _dripped(head, delivery.head_drip)
        yield from _dripped(body, delivery.body_drip)


def _dripped(part: bytes, drip: Drip | None) -> Iterator[tuple[bytes, float]]:
    if drip is None:
        yield part, 0.0
        return
    for start in range(0, len(part), drip.chunk_bytes):
        yield part[start : start + drip.chunk_bytes], drip.pause_seconds


def _drip(fault: Fault) -> Drip:
    return Drip(fault["pause_seconds"], fault["chunk_bytes"])


_DRIP_VALUES = {
    "pause_seconds": Value(number_between(0, LONGEST_SECONDS), 0.1),
    "chunk_bytes": Value(integer_between(1, 1_000_000), 1),
}

DELIVERY_FAULTS = (
    FaultKind(
        "latency", "the answer comes later; other requests are not held up", Stage.DELIVERY,
        lambda delivery, fault: replace(delivery, latency_seconds=delivery.latency_seconds + fault["seconds"]),
        {"seconds": Value(number_between(0, LONGEST_SECONDS))},
    ),
    FaultKind(
        "dropped", "the connection is closed without an answer", Stage.DELIVERY,
        lambda delivery, fault: replace(delivery, is_dropped=True),
    ),
    FaultKind(
        "half_sent", "the connection is closed after a part of the body", Stage.DELIVERY,
        lambda delivery, fault: replace(delivery, sent_fraction=fault["fraction"]),
        {"fraction": Value(number_between(0, 0.999), 0.5)},
    ),
    FaultKind(
        "content_length", "Content-Length is off by so many bytes", Stage.DELIVERY,
        lambda delivery, fault: replace(delivery, content_length_change=fault["change"]),
        {"change": Value(integer_between(-10_000_000, 10_000_000))},
    ),
    FaultKind(
        "slow_head", "the headers come a few bytes at a time", Stage.DELIVERY,
        lambda delivery, fault: replace(delivery, head_drip=_drip(fault)), _DRIP_VALUES,
    ),
    FaultKind(
        "slow_body", "the body comes a few bytes at a time", Stage.DELIVERY,
        lambda delivery, fault: replace(delivery, body_drip=_drip(fault)), _DRIP_VALUES,
    ),
    FaultKind(
        "connection_close", "the answer announces that it is the connection's last, as those of old servers do",
        Stage.DELIVERY,
        lambda delivery, fault: replace(delivery, is_last=True),
    ),
    FaultKind(
        "false_gzip", "Content-Encoding says gzip, and the body is none", Stage.DELIVERY,
        lambda delivery, fault: replace(delivery, is_gzip_false=True),
    ),
)  # fmt: skip

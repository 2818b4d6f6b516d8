"""The write path's figures as a table: medians, and the spread between the quartiles. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median, quantiles
from typing import Any

from benchmarks.write_path_stage import Cycle


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of one figure."""

    median: float
    lower: float
    upper: float

    def __str__(self) -> str:
        if self.lower == self.upper:
            return _short(self.median)
        return f"{_short(self.median)} ({_short(self.lower)}–{_short(self.upper)})"


@dataclass(frozen=True)
class Row:
    """The cycles of one fetcher: figures by name."""

    latency_ms: int
    pairs: int
    fetcher: str
    rounds: int
    fewest_fresh: int
    figures: Mapping[str, Spread]

    @property
    def is_complete(self) -> bool:
        """Whether every cycle brought every pair a price."""
        return self.fewest_fresh == self.pairs

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


COLUMNS: Mapping[str, tuple[str, Callable[[Cycle], float]]] = {
    "cpu_ms": ("CPU ms", lambda cycle: cycle.cpu_ms),
    "wall_ms": ("wall ms", lambda cycle: cycle.wall_ms),
    "exchange_ms": ("of it at the exchange", lambda cycle: cycle.exchange_ms),
    "requests": ("requests", lambda cycle: cycle.requests),
    "weight": ("weight", lambda cycle: cycle.weight),
    "answer_kb": ("kB received", lambda cycle: cycle.answer_bytes / 1000),
    "redis_round_trips": ("Redis round trips", lambda cycle: cycle.redis_round_trips),
    "memory_mib": ("memory MiB", lambda cycle: cycle.memory_mib),
}


def row_of(latency_ms: int, pairs: int, fetcher: str, cycles: Sequence[Cycle]) -> Row:
    """Return medians and quartiles of a fetcher's cycles."""
    figures = {name: _spread([read(cycle) for cycle in cycles]) for name, (_, read) in COLUMNS.items()}
    return Row(latency_ms, pairs, fetcher, len(cycles), min(cycle.fresh for cycle in cycles), figures)


def as_markdown(rows: Iterable[Row], surroundings: Mapping[str, Any] | None) -> str:
    """Return the table, with what it was measured on where that is given."""
    head = ["latency ms", "pairs", "fetcher", *(title for title, _ in COLUMNS.values()), "without a price"]
    lines = [_line(head), _line("---" for _ in head)]
    for row in rows:
        missing = row.pairs - row.fewest_fresh
        lines.append(_line([row.latency_ms, row.pairs, row.fetcher, *row.figures.values(), missing]))
    if surroundings is None:
        return "\n".join(lines) + "\n"
    versions = ", ".join(f"{name} {number}" for name, number in surroundings["versions"].items())
    rounds = f"{surroundings['rounds']} rounds, interleaved; medians, in brackets the quartiles"
    return "\n".join([f"{surroundings['date']}: {surroundings['machine']}; {versions}; {rounds}.", "", *lines, ""])


def _spread(figures: Sequence[float]) -> Spread:
    if len(figures) < 2:
        return Spread(figures[0], figures[0], figures[0])
    lower, _, upper = quantiles(figures, n=4, method="inclusive")
    return Spread(median(figures), lower, upper)


def _short(figure: float) -> str:
    return f"{figure:.1f}" if figure < 100 and figure != int(figure) else f"{figure:.0f}"


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"

"""From samples to a table in Markdown, with the ratios that are the goals. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median

from benchmarks.read_path.waits import HalfLoad

Samples = Mapping[str, Sequence[float]]

RATIOS = (
    ("layer", "bare", 0.85),
    ("layer", "nginx", 0.45),
    ("layer", "fastapi", 12.0),
    ("layer", "fastify", 2.5),
    ("layer", "tutorial", 35.0),
    ("view", "constant", 0.75),
    ("view", "fastapi", 1.8),
    ("layer", "chainlink", None),
    ("layer", "two-threads", None),
)
HALF_LOAD_P99_LIMIT_MS = 5.0
INSTRUCTION_LIMITS = {("layer", 4): 0.030, ("layer", 50): 0.085, ("view", 4): 0.55, ("view", 50): 0.58}


def rates_table(titles: Mapping[str, str], rates: Samples, p99s: Samples, failures: Mapping[str, int]) -> str:
    """Return medians with the lowest and the highest of the rounds, the median p99, and how many answers failed."""
    head = "| what answers | requests a second, median (lowest to highest) | p99 ms | failed |"
    lines = [head, "| --- | --- | --- | --- |"]
    for name, samples in sorted(rates.items(), key=lambda item: -median(item[1])):
        spread = f"{median(samples):,.0f} ({min(samples):,.0f} to {max(samples):,.0f})"
        lines.append(f"| {titles[name]} | {spread} | {median(p99s[name]):.2f} | {failures.get(name, 0)} |")
    return "\n".join(lines)


def ratios(rates: Samples) -> list[tuple[str, str, float, float | None]]:
    """Return (one, other, median of the rounds' ratios, goal if there is one).

    Rounds are compared one by one, for clocks drift.
    """
    found = []
    for one, other, goal in RATIOS:
        if rates.get(one) and rates.get(other):
            value = median(first / second for first, second in zip(rates[one], rates[other], strict=True))
            found.append((one, other, value, goal))
    return found


def ratios_table(rates: Samples, pairs: int) -> str:
    """Return the ratios with their goals, which are for more than one pair."""
    lines = ["| ratio | measured | goal | |", "| --- | --- | --- | --- |"]
    for one, other, value, goal in ratios(rates):
        judged = "| |" if goal is None or pairs == 1 else f"{goal:.2f} | {'met' if value >= goal else 'missed'} |"
        lines.append(f"| {one} / {other} | {value:.2f} | {judged}")
    return "\n".join(lines)


def half_load_table(found: Mapping[tuple[str, int], HalfLoad]) -> str:
    """Return the waits by peer and pairs, medians of the rounds, and whether the layer's p99 meets its limit."""
    lines = [
        "| what answers | pairs | requests a second: wished | reached | connections | p50 ms "
        "| p99 ms, median (lowest to highest) | limit | | not 2xx | h2load silent |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (name, pairs), load in found.items():
        reached, p50, p99, failed, silent = (
            [getattr(waits, figure) for waits in load.rounds]
            for figure in ("per_second", "p50_ms", "p99_ms", "failed_percent", "silent_percent")
        )
        verdict = "met" if median(p99) < HALF_LOAD_P99_LIMIT_MS else "missed"
        judged = f"{HALF_LOAD_P99_LIMIT_MS:.0f} | {verdict}" if name == "layer" else "|"
        lines.append(
            f"| {name} | {pairs} | {load.wished_per_second:,.0f} | {median(reached):,.0f} | {load.connections} "
            f"| {median(p50):.2f} | {median(p99):.2f} ({min(p99):.2f} to {max(p99):.2f}) "
            f"| {judged} | {max(failed):.3f} % "
            f"| {median(silent):.0f} % |"
        )
    return "\n".join(lines)


def exceeded_limits(measured: Mapping[tuple[str, int], float]) -> list[str]:
    """Return a sentence for each application that needs more instructions than it may."""
    return [
        f"{name}, {pairs} pairs: {measured[name, pairs]:.4f} million instructions a request, above {limit}"
        for (name, pairs), limit in INSTRUCTION_LIMITS.items()
        if measured.get((name, pairs), 0.0) > limit
    ]


def instructions_table(measured: Mapping[tuple[str, int], float]) -> str:
    lines = ["| what answers | pairs | million instructions a request | limit | |", "| --- | --- | --- | --- | --- |"]
    for (name, pairs), value in measured.items():
        limit = INSTRUCTION_LIMITS.get((name, pairs))
        verdict = ("met" if value <= limit else "missed") if limit else ""
        lines.append(f"| {name} | {pairs} | {value:.4f} | {limit or ''} | {verdict} |")
    return "\n".join(lines)

"""The figures of `scale.py` as Markdown, and what is wrong with them. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

GOALS = {"polling p99 ms": 15.0, "cycle under load / at rest": 1.5}
LEAST_SHARE = 0.99
"""Of the wished requests that must have been sent and answered: fewer are another load."""
GROWTH_MIB = 2.0
"""Memory that the second half of a soak may have above its first: what an allocator keeps in hand."""

Figures = Mapping[str, Any]


def problems(found: Figures) -> list[str]:
    """Return what went wrong for a reader, a connection or the exchange; durations are no matter of it."""
    loads = [("soak", found["soak"]["load"]), ("4,000 clients", found["polling"])]
    loads += [(f"{one['readers']:,} readers", one["load"]) for one in found["readers"] if one["load"]]
    wrong = []
    for name, load in loads:
        others = {status: count for status, count in load["statuses"].items() if status != "200" and count}
        if others or load["incomplete"] or load["connections_lost"]:
            wrong.append(
                f"{name}: {others} other than 200, {load['incomplete']} without a price, "
                f"{load['connections_lost']} connections lost"
            )
        if load["rate"] < LEAST_SHARE * load["wished_rate"]:
            wrong.append(f"{name}: {load['rate']:,} answers a second instead of {load['wished_rate']:,}")
    if len({one["exchange_requests"] for one in found["readers"]}) > 1:
        wrong.append(f"the exchange was asked {[one['exchange_requests'] for one in found['readers']]} times")
    growth = memory_growth_mib(found["soak"]["memory"])
    if growth > GROWTH_MIB:
        wrong.append(f"the workers' memory grew by {growth:.1f} MiB from the first half of the soak to the second")
    return wrong


def memory_growth_mib(samples: Sequence[Mapping[str, float]]) -> float:
    """Return by how much the median of the second half of the samples exceeds that of the second quarter."""
    shares = [sample["pss_mib"] for sample in samples]
    if len(shares) < 4:
        return 0.0
    return median(shares[len(shares) // 2 :]) - median(shares[len(shares) // 4 : len(shares) // 2])


def as_markdown(found: Figures) -> str:
    soak, polling = found["soak"], found["polling"]
    rest, busy = soak["cycles_at_rest_ms"], soak["cycles_under_load_ms"]
    ratio = median(busy) / max(1, median(rest)) if rest and busy else float("nan")
    lines = [
        "# Scale",
        "",
        f"{found['surroundings']}; load average before the start: {found['load_average_before']}. Service, exchange "
        "simulator and load generator share the machine.",
        "",
        "| load | answers a second | 200 | anything else | without a price | p50 ms | p99 ms | longest ms "
        "| oldest price ms | connections open at the end |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(
            _load_row(f"{one['readers']:,} readers, each every 2 s", one["load"])
            for one in found["readers"]
            if one["load"]
        ),
        _load_row("4,000 clients, each every 2 s", polling),
        _load_row(f"soak of {soak['seconds'] / 60:g} minutes at 5,000 a second", soak["load"]),
        "",
        "| readers | intervals | requests for prices | for the list of symbols |",
        "| --- | --- | --- | --- |",
        *(
            f"| {one['readers']:,} | {one['intervals']} | {one['exchange_requests']} | {one['symbol_lists']} |"
            for one in found["readers"]
        ),
        "",
        "| refresh cycles | number | median ms | longest ms |",
        "| --- | --- | --- | --- |",
        _cycle_row("at rest, before and after", rest),
        _cycle_row("during the soak", busy),
        "",
        f"Ratio of the medians {ratio:.2f} (goal: at most {GOALS['cycle under load / at rest']}); 4,000 clients: p99 "
        f"{polling['p99_ms']} ms (goal: below {GOALS['polling p99 ms']:g}).",
        "",
        f"Memory of the largest of {soak['workers']} workers, MiB (RSS / PSS): {_memory(soak['memory'])}; connections "
        f"to Redis of all workers: {soak['redis_connections']}.",
        "",
    ]
    return "\n".join(lines)


def _load_row(name: str, load: Figures) -> str:
    others = sum(count for status, count in load["statuses"].items() if status != "200")
    return (
        f"| {name} | {load['rate']:,.0f} | {load['statuses'].get('200', 0):,} | {others} | {load['incomplete']} "
        f"| {load['p50_ms']} | {load['p99_ms']} | {load['longest_ms']} | {load['oldest_price_ms']:,} "
        f"| {load['connections_still_open']:,} of {load['connections']:,} |"
    )


def _cycle_row(name: str, cycles_ms: Sequence[int]) -> str:
    if not cycles_ms:
        return f"| {name} | 0 | | |"
    return f"| {name} | {len(cycles_ms)} | {median(cycles_ms):g} | {max(cycles_ms)} |"


def _memory(samples: Sequence[Mapping[str, float]]) -> str:
    if not samples:
        return "no sample"
    chosen = [samples[0], samples[len(samples) // 2], samples[-1]]
    first, middle, last = (f"{sample['rss_mib']} / {sample['pss_mib']}" for sample in chosen)
    return f"{first} at the start, {middle} in the middle, {last} at the end"

"""What all parts of `make bench` have found, gathered from their JSON: a table (Markdown, JSON) and a plot (SVG)."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.plot import Bar, Panel, as_svg
from benchmarks.surroundings import surroundings

TITLE = "NexusMeme beside its peers"


def figures_of(folder: Path, part: str) -> Path:
    """Return the JSON that a part writes."""
    return folder / f"{'write_path' if part == 'write-path' else part}.json"


def write_overview(folder: Path, exit_codes: Mapping[str, int], *, is_quick: bool) -> list[Path]:
    """Write `bench.md`, `bench.json` and `bench.svg` of the parts that have just run; return where."""
    panels: list[Panel] = []
    for name, read in (("read-path", read_path_panels), ("write-path", write_path_panels)):
        if exit_codes.get(name) is not None:
            panels += read(_read(figures_of(folder, name)))
    if exit_codes.get("freshness") is not None:
        panels += freshness_panels(_read(figures_of(folder, "freshness")))
    views = [name for name in exit_codes if name.startswith("page-")]
    if views:
        panels += page_panels([_read(figures_of(folder, name)) for name in views])
    note = f"{surroundings()}; load average at the end {os.getloadavg()[0]:.1f}"
    note += "; a quick run, which shows that it works and no more" if is_quick else ""
    paths = [folder / f"bench.{ending}" for ending in ("md", "json", "svg")]
    paths[0].write_text(as_markdown(panels, note, exit_codes))
    content = {"note": note, "exit_codes": dict(exit_codes), "panels": [panel.as_json() for panel in panels]}
    paths[1].write_text(json.dumps(content, indent=1) + "\n")
    paths[2].write_text(as_svg(TITLE, note, panels))
    return paths


def _read(path: Path) -> dict[str, Any]:
    """Return what a part has written; nothing where it ended before it wrote."""
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def read_path_panels(found: Mapping[str, Any]) -> list[Panel]:
    panels = []
    for name, rates in found.items():
        if not name.endswith((" pair", " pairs")):
            continue
        samples: dict[str, list[float]] = rates["per_second"]
        bars = [Bar(peer, median(rate), min(rate), max(rate), peer in ("layer", "view"))
                for peer, rate in sorted(samples.items(), key=lambda item: -median(item[1]))]  # fmt: skip
        panels.append(Panel(f"Reading {name}", "requests a second, more is better", bars))
    return panels


def write_path_panels(found: Mapping[str, Any]) -> list[Panel]:
    panels = []
    for latency_ms in sorted({row["latency_ms"] for row in found.get("rows", ())}):
        bars = []
        for row in found["rows"]:
            if row["latency_ms"] == latency_ms:
                wall = row["figures"]["wall_ms"]
                is_own = row["fetcher"] == "NexusMeme"
                label = f"{row['pairs']:,} pairs, {'NexusMeme' if is_own else 'plain'}"
                bars.append(Bar(label, wall["median"], wall["lower"], wall["upper"], is_own))
        panels.append(Panel(f"A cycle, exchange {latency_ms} ms away", "wall time in ms, less is better", bars))
    return panels


def freshness_panels(found: Mapping[str, Any]) -> list[Panel]:
    bars = []
    for way, figures in found.get("ways", {}).items():
        for part in ("p50", "p99"):
            value = figures[f"{part}_ms"]
            bars.append(Bar(f"{way}, {part}", value, value, value, way != "blind"))
    return [Panel("From the exchange to the pixel", "ms, less is better; arithmetic limit 6,000", bars)] if bars else []


def page_panels(views: list[dict[str, Any]]) -> list[Panel]:
    bars = [
        Bar(f"{found['view']}, {found['pairs']} pairs", median(found["longest_cpu_ms"]), min(found["longest_cpu_ms"]),
            max(found["longest_cpu_ms"]), True)
        for found in views if found
    ]  # fmt: skip
    return [Panel("The page's five longest tasks", "processor ms, less is better; a frame is 16", bars)] if bars else []


def as_markdown(panels: list[Panel], note: str, exit_codes: Mapping[str, int]) -> str:
    lines = [f"# {TITLE}", "", f"{note}.", "", "![The tables below as bars](bench.svg)", ""]
    for panel in panels:
        lines += [f"## {panel.title}", "", f"| | {panel.unit} | lowest to highest |", "| --- | ---: | --- |"]
        lines += [f"| {bar.label} | {bar.value:,.1f} | {bar.low:,.1f} to {bar.high:,.1f} |" for bar in panel.bars]
        lines.append("")
    failed = [name for name, exit_code in exit_codes.items() if exit_code]
    if failed:
        lines += [f"Failed, or missed a limit of their own: {', '.join(failed)}.", ""]
    return "\n".join(lines)

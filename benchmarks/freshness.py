"""From the exchange's change of a price to the pixel: how long does it take until a browser shows it?

`python -m benchmarks.freshness [--quick]` starts a service of its own with a still market, changes one price after the
other at the exchange simulator, and notes in Chromium the frame after the one in which each stood in the document:
on the dashboard, and on two pages that only poll, blind and timed. Writes `results/freshness.md` and `.json`.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.running_stack import ROOT, RunningStack, end_on_sigterm, running_stack
from benchmarks.surroundings import surroundings
from development.chromium import ADVICE, find_chromium

INTERVAL_SECONDS, POLL_SECONDS = 4.0, 2.0
LIMIT_MS = (INTERVAL_SECONDS + POLL_SECONDS) * 1000
PAIR_COUNT = 40
CHANGES_A_SECOND = 3.0
"""Each pair changes again after 13 s: longer than any price may take, so none is missed because of the next."""
WARM_UP_SECONDS = 16.0
LAST_ARRIVALS_SECONDS = 9.0
WAYS: Mapping[str, str] = {
    "blind": "polls every 2 s, without looking at the fetcher (the peer)",
    "timed": "polls timed for the fetcher, on a bare page",
    "dashboard": "the dashboard, 40 cards",
}
_NOTE_PAINTED = """
  window.painted = {}
  window.notePainted = (key) => requestAnimationFrame(() => requestAnimationFrame(() => {
    window.painted[key] ??= performance.timeOrigin + performance.now()
  }))"""
_WATCH_DASHBOARD = f"""() => {{{_NOTE_PAINTED}
  const look = (cell) => notePainted(
    `${{cell.closest("[data-pair]").dataset.pair}} ${{cell.textContent.replace(/[^0-9.]/g, "")}}`)
  new MutationObserver((changes) => {{
    for (const change of changes) {{
      const place = change.target.nodeType === Node.TEXT_NODE ? change.target.parentElement : change.target
      const cell = place.closest('[data-field="price"]')
      if (cell) look(cell)
    }}
  }}).observe(document.body, {{ subtree: true, childList: true, characterData: true }})
}}"""
_POLL = f"""async ([script, pairs, options]) => {{{_NOTE_PAINTED}
  const {{ PriceCachePolling }} = await import(script)
  document.body.replaceChildren(...pairs.map(() => document.createElement("p")))
  const polling = new PriceCachePolling(pairs, {{ pollIntervalMs: 2000, ...options }})
  polling.subscribe(({{ prices }}) => pairs.forEach((pair, number) => {{
    const price = prices[pair]?.price
    const cell = document.body.children[number]
    if (price === undefined || cell.textContent === String(price)) return
    cell.textContent = String(price)
    notePainted(`${{pair}} ${{price}}`)
  }}))
  polling.start()
}}"""


@dataclass
class Delays:
    """What one way has shown: ms from the change to the frame, and changes that it never showed."""

    delays_ms: list[float] = field(default_factory=list)
    unseen: int = 0

    def figures(self) -> dict[str, float]:
        ordered = sorted(self.delays_ms) or [float("nan")]
        p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        return {"changes": len(self.delays_ms), "unseen": self.unseen, "p50_ms": median(ordered), "p99_ms": p99,
                "longest_ms": ordered[-1], "shortest_ms": ordered[0]}  # fmt: skip


class Market:
    """Sets prices at the exchange and remembers when; ever new ones, so that each tells which change it was."""

    def __init__(self, stack: RunningStack, symbols: list[str]) -> None:
        self._stack = stack
        self._symbols = symbols
        self._prices = dict.fromkeys(symbols, 1000)
        self._next = 0
        self.changed_at_ms: dict[str, float] = {}
        self._tell()

    def change(self) -> None:
        """Give the next symbol in turn a price that it never had; the instant is that before it is told."""
        symbol = self._symbols[self._next % len(self._symbols)]
        self._next += 1
        self._prices[symbol] += 1
        self.changed_at_ms[f"{symbol.removesuffix('USDT')}/USDT {self._prices[symbol]}"] = time.time() * 1000
        self._tell()

    def _tell(self) -> None:
        changes = [{"kind": "price", "symbols": [symbol], "set": str(price)} for symbol, price in self._prices.items()]
        self._stack.control("PUT", "/faults", changes)


@contextmanager
def pages_of(browser: Browser, stack: RunningStack, pairs: list[str]) -> Iterator[dict[str, Page]]:
    """Open a page for each way, in a context of its own, one after the other at random moments."""
    with ExitStack() as opened:
        pages: dict[str, Page] = {}
        for way in WAYS:
            time.sleep(random.uniform(0, POLL_SECONDS))
            context = browser.new_context()
            opened.callback(context.close)
            page = pages[way] = context.new_page()
            page.goto(f"{stack.address}/" if way == "dashboard" else f"{stack.address}/api/market-data/health")
            if way == "dashboard":
                page.evaluate(_WATCH_DASHBOARD)
            else:
                script = f"{stack.address}/static/market_data/price-cache-polling.js"
                options = {"fetchIntervalMs": INTERVAL_SECONDS * 1000} if way == "timed" else {}
                page.evaluate(_POLL, [script, pairs, options])
        yield pages


def round_of(browser: Browser, stack: RunningStack, market: Market, pairs: list[str], seconds: float) -> dict[str, Any]:
    """Return, for each way, when which price was painted, Unix ms."""
    with pages_of(browser, stack, pairs) as pages:
        one = pages["blind"]
        one.wait_for_timeout(WARM_UP_SECONDS * 1000)
        market.changed_at_ms.clear()
        ends_at = time.monotonic() + seconds
        while time.monotonic() < ends_at:
            market.change()
            one.wait_for_timeout(random.uniform(0.5, 1.5) / CHANGES_A_SECOND * 1000)
        one.wait_for_timeout(LAST_ARRIVALS_SECONDS * 1000)
        return {way: page.evaluate("window.painted") for way, page in pages.items()}


def measure(rounds: int, seconds: float, program: Path) -> tuple[dict[str, Delays], str]:
    delays = {way: Delays() for way in WAYS}
    bases = [f"SIM{number:04d}" for number in range(1, PAIR_COUNT + 1)]
    pairs = [f"{base}/USDT" for base in bases]
    with (
        tempfile.TemporaryDirectory(prefix="freshness-") as folder,
        running_stack(pairs, Path(folder), is_still=True) as stack,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=str(program), args=["--no-sandbox"])
        market = Market(stack, [f"{base}USDT" for base in bases])
        for _ in range(rounds):
            painted = round_of(browser, stack, market, pairs, seconds)
            for way, seen in painted.items():
                found = _numbers(seen)
                for key, changed_at_ms in market.changed_at_ms.items():
                    if key in found:
                        delays[way].delays_ms.append(found[key] - changed_at_ms)
                    else:
                        delays[way].unseen += 1
        version = browser.version
        browser.close()
    return delays, version


def _numbers(seen: Mapping[str, float]) -> dict[str, float]:
    """Return the instants by pair and whole price, however many decimals the page shows."""
    found: dict[str, float] = {}
    for key, at_ms in seen.items():
        pair, _, price = key.partition(" ")
        found.setdefault(f"{pair} {float(price or 0):.0f}", at_ms)
    return found


def as_markdown(found: Mapping[str, Any]) -> str:
    lines = [
        "# Freshness, from the exchange to the pixel",
        "",
        f"{found['surroundings']}; Chromium {found['chromium']}. {found['rounds']} rounds of {found['seconds']:g} s; "
        "the three pages see the same changes. Arithmetic limit: 4 s between two fetches + 2 s between two polls = "
        "6,000 ms, to which the requests themselves, 250 ms of the snapshot and two frames are added.",
        "",
        "| page | changes | p50 ms | p99 ms | shortest to longest ms | later than 6,000 ms | never shown |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for way, title in WAYS.items():
        one = found["ways"][way]
        late = sum(delay > LIMIT_MS for delay in found["delays_ms"][way])
        lines.append(
            f"| {title} | {one['changes']} | {one['p50_ms']:,.0f} | {one['p99_ms']:,.0f} "
            f"| {one['shortest_ms']:,.0f} to {one['longest_ms']:,.0f} | {late} | {one['unseen']} |"
        )
    return "\n".join([*lines, ""])


def main() -> int:
    """Measure and write the table; return 1 where a page left a change out."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.freshness", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of 20 s")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each round, after a warm-up")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results", metavar="FOLDER")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 20.0
    program = find_chromium()
    if program is None:
        sys.exit(ADVICE)
    end_on_sigterm()
    delays, chromium = measure(chosen.rounds, chosen.seconds, program)
    found = {"surroundings": surroundings(), "chromium": chromium, "rounds": chosen.rounds, "seconds": chosen.seconds,
             "ways": {way: one.figures() for way, one in delays.items()},
             "delays_ms": {way: [round(ms) for ms in one.delays_ms] for way, one in delays.items()}}  # fmt: skip
    chosen.results.mkdir(parents=True, exist_ok=True)
    (chosen.results / "freshness.json").write_text(json.dumps(found, indent=1) + "\n")
    (chosen.results / "freshness.md").write_text(as_markdown(found))
    sys.stdout.write(as_markdown(found))
    return 1 if any(one.unseen for one in delays.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

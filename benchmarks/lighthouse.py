"""What Lighthouse says of the dashboard as production serves it: hashed, minified, compressed files, live prices.

`make lighthouse` installs Lighthouse from the npm registry into .run/lighthouse and runs this program, which starts a
web server and a cache of its own, and writes new prices every two seconds while Lighthouse looks.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import redis

from development.chromium import ADVICE, find_chromium
from development.embedded_cache import EmbeddedCache
from tests.web_site import PRICES, PriceKeys, WebSite

PROJECT = Path(__file__).resolve().parent.parent
PROGRAM = PROJECT / ".run" / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
CATEGORIES = ("performance", "accessibility", "best-practices")
FIGURES = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time", "cumulative-layout-shift")
PRESETS: Mapping[str, Sequence[str]] = {"mobile": (), "desktop": ("--preset=desktop",)}
LEAST_SCORE = 95
ROUND_SECONDS = 2.0
TIME_LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Run:
    """One report: scores of 0 to 100 by category, the figures behind the first, and what is less than perfect."""

    scores: Mapping[str, int]
    figures: Mapping[str, str]
    complaints: Sequence[str]

    @property
    def is_good(self) -> bool:
        return all(score >= LEAST_SCORE for score in self.scores.values())


def main() -> int:
    """Print the scores of each preset and number of pairs; return 1 where one is below 95."""
    arguments = _parse_arguments()
    chromium = find_chromium()
    if chromium is None:
        sys.exit(ADVICE)
    if not arguments.lighthouse.exists():
        sys.exit(f"{arguments.lighthouse} is not there; `make lighthouse` installs it.")
    runs = []
    with tempfile.TemporaryDirectory() as folder, EmbeddedCache() as cache:
        environment = _collect(Path(folder) / "static")
        for count in arguments.pairs:
            with _served(cache.url, _pairs(count), environment) as address:
                for preset in arguments.presets:
                    for _ in range(arguments.runs):
                        run = _look(arguments.lighthouse, str(chromium), f"{address}/{arguments.query}", preset)
                        sys.stdout.write(_line(count, preset, run))
                        runs.append(run)
    return 0 if all(run.is_good for run in runs) else 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[4, 50])
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=list(PRESETS))
    parser.add_argument("--runs", type=int, default=1, help="reports for each number of pairs and preset")
    parser.add_argument("--query", default="", help="of the page's address, for example ?view=table")
    parser.add_argument("--lighthouse", type=Path, default=PROGRAM, help="the program")
    return parser.parse_args()


def _pairs(count: int) -> list[str]:
    """Return the usual pairs, then made-up ones."""
    return [*PRICES, *(f"COIN{number:03}/USDT" for number in range(count))][:count]


def _collect(folder: Path) -> dict[str, str]:
    """Collect the static files into `folder`; return the environment of a site in production mode that serves them."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.collected_settings",
        "STATIC_ROOT_OF_THE_TEST": str(folder),
        "SECRET_KEY": "for-a-benchmark",
        "DEBUG": "false",
    }
    command = [sys.executable, "manage.py", "collectstatic", "--noinput"]
    variables = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **environment}
    subprocess.run(command, cwd=PROJECT, env=variables, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return environment


@contextmanager
def _served(redis_url: str, pairs: Sequence[str], environment: Mapping[str, str]) -> Iterator[str]:
    """Serve the page with prices that stay live; yield its address."""
    ended = Event()
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        keys = PriceKeys(client)
        keys.report(pairs)
        keys.write(*pairs)
        writer = Thread(target=_keep_live, args=(keys, pairs, ended))
        writer.start()
        site = WebSite(redis_url, {"TRADING_PAIRS": ",".join(pairs), **environment}).start()
        try:
            yield site.url
        finally:
            site.stop()
            ended.set()
            writer.join()


def _keep_live(keys: PriceKeys, pairs: Sequence[str], ended: Event) -> None:
    rounds = 0
    while not ended.wait(ROUND_SECONDS):
        rounds += 1
        keys.write(*pairs, price=f"{43250 + rounds % 7}.00000000")


def _look(lighthouse: Path, chromium: str, address: str, preset: str) -> Run:
    command = [str(lighthouse), address, "--quiet", "--output=json", "--output-path=stdout", *PRESETS[preset]]
    command += [f"--only-categories={','.join(CATEGORIES)}"]
    command += ["--chrome-flags=--headless=new --no-sandbox --disable-gpu"]
    variables = {**os.environ, "CHROME_PATH": chromium}
    answer = subprocess.run(  # noqa: S603
        command, env=variables, check=True, capture_output=True, timeout=TIME_LIMIT_SECONDS
    )
    return _read(json.loads(answer.stdout))


def _read(report: Mapping[str, Any]) -> Run:
    categories, audits = report["categories"], report["audits"]
    scores = {name: round(100 * categories[name]["score"]) for name in CATEGORIES}
    weighed = sorted(
        {part["id"] for name in CATEGORIES for part in categories[name]["auditRefs"] if part["weight"] > 0}
    )
    complaints = [audits[name]["title"] for name in weighed if audits[name]["score"] not in (None, 1)]
    return Run(scores, {name: audits[name]["displayValue"] for name in FIGURES}, complaints)


def _line(count: int, preset: str, run: Run) -> str:
    scores = ", ".join(f"{name} {score}" for name, score in run.scores.items())
    figures = ", ".join(f"{name} {figure}" for name, figure in run.figures.items())
    less = "".join(f"\n    less than perfect: {title}" for title in run.complaints)
    return f"{count} pairs, {preset}: {scores}\n    {figures}{less}\n"


if __name__ == "__main__":
    sys.exit(main())

"""The whole service on ports of its own: cache, exchange simulator, fetcher, `deploy/web-server`. What it starts ends
with it, however it ends."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from development.embedded_cache import EmbeddedCache
from development.guarded_process import GuardedProcess
from development.loopback import free_port

ROOT = Path(__file__).resolve().parent.parent
_START_SECONDS = 90.0


@dataclass(frozen=True)
class RunningStack:
    """Where the service listens; `web_pid` is the web server's master."""

    web_port: int
    web_pid: int
    exchange_url: str
    redis_url: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def control(self, method: str, place: str, content: object = None) -> Any:
        """Return what the simulator's control address answers."""
        body = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.exchange_url}/_control{place}", body, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    def fetcher_status(self) -> dict[str, Any]:
        """Return the fetcher's report as it lies in the cache; empty where there is none."""
        with redis.Redis.from_url(self.redis_url) as client:
            raw = client.get("market_data_fetcher:status")
        return json.loads(raw) if isinstance(raw, bytes) else {}


@contextmanager
def running_stack(
    pairs: Sequence[str], folder: Path, *, workers: int = 2, is_still: bool = False, is_production: bool = False
) -> Iterator[RunningStack]:
    """Yield the service once there are prices, with its logs in `folder`; raise RuntimeError if it does not start."""
    with ExitStack() as stack:
        cache = stack.enter_context(EmbeddedCache())
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "nexusmeme.settings",
            "ENV_FILE": os.devnull,
            "SECRET_KEY": "for-a-benchmark-only",
            "DEBUG": "false" if is_production else "true",  # static files as they lie there need true
            "ALLOWED_HOSTS": "127.0.0.1",
            "LOG_LEVEL": "WARNING",
            "REDIS_URL": cache.url,
            "TRADING_PAIRS": ",".join(pairs),
            "BINANCE_API_FALLBACK_URLS": "[]",
            "PYTHON": sys.executable,
            "PWD": str(ROOT),
        }
        manage = [sys.executable, str(ROOT / "manage.py")]
        options = ["--port", "0", "--symbols", str(max(60, 2 * len(pairs))), *(["--still"] if is_still else [])]
        simulator = stack.enter_context(
            GuardedProcess(
                [*manage, "run_exchange_simulator", *options], environment=environment, output=subprocess.PIPE
            )
        )
        line = simulator.output.readline().decode()
        if " at http" not in line:
            raise RuntimeError(f"the exchange simulator did not start: {line}")
        exchange_url = line.partition(" at ")[2].partition(": ")[0]
        environment["BINANCE_API_BASE_URL"] = exchange_url
        environment["WEB_WORKERS"] = str(workers)
        fetcher_log = stack.enter_context((folder / "fetcher.log").open("wb"))
        web_log = stack.enter_context((folder / "web.log").open("wb"))
        port = free_port()
        stack.enter_context(
            GuardedProcess([*manage, "run_market_fetcher"], environment=environment, output=fetcher_log)
        )
        command = [str(ROOT / "deploy" / "web-server"), "--host", "127.0.0.1", "--port", str(port)]
        web = stack.enter_context(GuardedProcess(command, environment=environment, output=web_log))
        _wait_for_prices(f"http://127.0.0.1:{port}/api/market-data/prices", web, folder)
        yield RunningStack(port, web.pid, exchange_url, cache.url)


def _wait_for_prices(url: str, web: GuardedProcess, folder: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except (OSError, urllib.error.HTTPError):
            pass
        if web.poll() is not None or time.monotonic() > deadline:
            logs = "".join(log.read_text(errors="replace")[-800:] for log in sorted(folder.glob("*.log")))
            raise RuntimeError(f"the service has no prices after {_START_SECONDS:.0f} s: {logs}")
        time.sleep(0.1)


def end_on_sigterm() -> None:
    """Let SIGTERM end this process as an exit does, so that what it has started is ended too."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))

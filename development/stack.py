"""The whole service in one terminal, for development: cache, fetcher, web server, and simulator where wanted.

`make run` and `make demo` run this. It alone may put the exchange simulator in the exchange's place, once, at
its start.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from development.embedded_cache import CacheStartError, EmbeddedCache
from development.exchange_choice import Choice, choose_exchange
from development.loopback import LOOPBACK, answers_http, free_port, is_free
from development.options import DEFAULT_PORT, OptionError, Options, read_options
from development.stack_file import stack_file
from development.supervisor import (
    NotReadyError,
    ProcessEndedError,
    StopRequestedError,
    Supervisor,
)
from development.terminal import Terminal
from nexusmeme.env_file import load_env_file

BASE_DIR = Path(__file__).resolve().parent.parent
WEB_SERVER_SCRIPT = BASE_DIR / "deploy" / "web-server"
RUN_FOLDER = BASE_DIR / ".run"
_READY_DEADLINE_SECONDS = 60.0
_REQUEST_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True)
class StackAddresses:
    """Where the parts of a running stack are; None for one that it did not start."""

    web: str
    exchange_simulator: str | None
    embedded_cache_port: int | None


def main() -> int:
    arguments = _parser().parse_args()
    load_env_file(BASE_DIR)
    if not os.environ.get("DEBUG", "").strip():
        os.environ["DEBUG"] = "true"
    terminal = Terminal(sys.stdout)
    try:
        options = read_options(os.environ)
        if not is_free(options.port):
            raise OptionError(
                f"Port {options.port} is in use by another program. "
                f"Choose another one, for example: make run PORT={_another_port(options.port)}"
            )
        return _run(options, terminal, ends_with_parent=arguments.end_with_parent)
    except (OptionError, CacheStartError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m development.stack",
        description="Run the service for development. Variables: EXCHANGE=auto|live|simulator, RECORDING=folder, "
        "PORT=number, and everything that .env.example lists.",
    )
    parser.add_argument("--end-with-parent", action="store_true", help="stop when the calling process is gone")
    return parser


def _another_port(port: int) -> int:
    return next(filter(is_free, range(port + 1, 65536)), DEFAULT_PORT)


def _run(options: Options, terminal: Terminal, *, ends_with_parent: bool) -> int:
    if not _is_prepared():
        return 1
    choice = choose_exchange(options, os.environ)
    for line in choice.reasons:
        terminal.say(line)
    if choice.is_simulated:
        terminal.announce("SIMULATED PRICES", *choice.explanation, needs_attention=True)
    with Supervisor(terminal, ends_with_parent=ends_with_parent) as supervisor:
        try:
            addresses = _start_everything(supervisor, options, choice)
            content = {**asdict(addresses), "pids": supervisor.pids}
            with stack_file(RUN_FOLDER, options.port, content):
                _announce(terminal, choice, addresses)
                supervisor.run()
        except StopRequestedError:
            terminal.say("Stopping.")
            return 0
        except (ProcessEndedError, NotReadyError) as error:
            terminal.announce(str(error), "Stopping the rest.", needs_attention=True)
            return 1


def _is_prepared() -> bool:
    return subprocess.run([sys.executable, "-m", "development.preparation"], cwd=BASE_DIR, check=False).returncode == 0


def _start_everything(supervisor: Supervisor, options: Options, choice: Choice) -> StackAddresses:
    """Start every process and return once the page answers."""
    embedded_cache_port = simulator = None
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHON": sys.executable}
    if not environment.get("REDIS_URL", "").strip():
        cache = EmbeddedCache().start()
        supervisor.watch("cache", cache.process)
        environment["REDIS_URL"] = cache.url
        embedded_cache_port = cache.port
    if choice.is_simulated:
        simulator = _start_simulator(supervisor, environment, options)
        environment |= {"BINANCE_API_BASE_URL": simulator, "BINANCE_API_FALLBACK_URLS": "[]"}
    supervisor.start("fetcher", _manage("run_market_fetcher"), environment)
    web_server = [str(WEB_SERVER_SCRIPT), f"--port={options.port}", "--log-level=warning"]
    supervisor.start("web", web_server, environment)
    supervisor.run_until(
        lambda: answers_http(options.port, "/", _REQUEST_TIMEOUT_SECONDS),
        "The first answer of the web server",
        _READY_DEADLINE_SECONDS,
    )
    return StackAddresses(f"http://{LOOPBACK}:{options.port}", simulator, embedded_cache_port)


def _start_simulator(supervisor: Supervisor, environment: Mapping[str, str], options: Options) -> str:
    """Start the simulator and return its address."""
    port = free_port()
    command = _manage("run_exchange_simulator", f"--port={port}")
    if options.recording:
        command += [
            f"--tickers={options.recording.tickers}",
            f"--exchange-info={options.recording.exchange_info}",
        ]
    supervisor.start("simulator", command, environment)
    supervisor.run_until(
        lambda: answers_http(port, "/api/v3/ping", _REQUEST_TIMEOUT_SECONDS),
        "The first answer of the exchange simulator",
        _READY_DEADLINE_SECONDS,
    )
    return f"http://{LOOPBACK}:{port}"


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(BASE_DIR / "manage.py"), *arguments]


def _announce(terminal: Terminal, choice: Choice, addresses: StackAddresses) -> None:
    lines = [f"NexusMeme is ready: {addresses.web}/", choice.source]
    if addresses.embedded_cache_port:
        lines.append(f"The cache: redis-cli -p {addresses.embedded_cache_port}")
    if addresses.exchange_simulator:
        lines.append(f"Rehearse an outage: {_shown_python()} manage.py market_drill --web {addresses.web}")
    terminal.announce(*lines, "Ctrl-C stops everything.", needs_attention=choice.is_simulated)


def _shown_python() -> str:
    """Return the interpreter as a person types it in the project's folder."""
    program = Path(sys.executable)
    return str(program.relative_to(BASE_DIR) if program.is_relative_to(BASE_DIR) else program)


if __name__ == "__main__":
    sys.exit(main())

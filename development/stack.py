"""The whole service in one terminal, for development: cache, fetcher, web server, and simulator where wanted.

`make run` and `make demo` run this. It alone may put the exchange simulator in the exchange's place, once, at
its start.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from development.embedded_cache import CacheStartError, EmbeddedCache
from development.exchange_choice import Choice, choose_exchange
from development.guarded_process import GuardedProcess, end_with_parent, stop_on_signals
from development.loopback import LOOPBACK, answers_http, free_port, is_free
from development.options import DEFAULT_PORT, OptionError, Options, read_options
from development.stack_file import RUN_FOLDER, PortTakenError, stack_file
from development.supervisor import StackError, Supervisor
from development.terminal import Terminal
from nexusmeme.env_file import load_env_file

BASE_DIR = Path(__file__).resolve().parent.parent
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
    stop_on_signals()
    if arguments.parent:
        end_with_parent(arguments.parent)
    load_env_file(BASE_DIR)
    if not os.environ.get("DEBUG", "").strip():
        os.environ["DEBUG"] = "true"
    terminal = Terminal(sys.stdout)
    try:
        options = read_options(os.environ)
        with stack_file(RUN_FOLDER, options.port) as file:
            if not is_free(options.port):
                raise PortTakenError
            return _run(options, terminal, file)
    except PortTakenError:
        another = next(filter(is_free, range(options.port + 1, 65536)), DEFAULT_PORT)
        print(
            f"Port {options.port} is in use by another program. "
            f"Choose another one, for example: make run PORT={another}",
            file=sys.stderr,
        )
        return 1
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
    parser.add_argument("--parent", type=int, metavar="PID", help="stop when this process, which started us, is gone")
    return parser


def _run(options: Options, terminal: Terminal, file: TextIO) -> int:
    with GuardedProcess([sys.executable, "-m", "development.preparation"], folder=BASE_DIR) as preparation:
        if preparation.wait() != 0:
            return 1
    choice = choose_exchange(options, os.environ)
    for line in choice.reasons:
        terminal.say(line)
    if choice.is_simulated:
        terminal.announce("SIMULATED PRICES", *choice.explanation, needs_attention=True)
    with contextlib.ExitStack() as embedded, Supervisor(terminal) as supervisor:
        try:
            addresses = _start_everything(supervisor, embedded, options, choice)
            json.dump({**asdict(addresses), "pids": supervisor.pids}, file, indent=1)
            file.flush()
            _announce(terminal, choice, addresses)
            supervisor.run()
        except KeyboardInterrupt:
            terminal.say("Stopping.")
            return 0
        except StackError as error:
            terminal.announce(str(error), "Stopping the rest.", needs_attention=True)
            return 1


def _start_everything(
    supervisor: Supervisor, embedded: contextlib.ExitStack, options: Options, choice: Choice
) -> StackAddresses:
    """Start every process and return once the page answers."""
    embedded_cache_port = simulator = None
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHON": sys.executable}
    if not environment.get("REDIS_URL", "").strip():
        cache = embedded.enter_context(EmbeddedCache())
        supervisor.watch("cache", cache.process)
        environment["REDIS_URL"] = cache.url
        embedded_cache_port = cache.port
    if choice.is_simulated:
        simulator = _start_simulator(supervisor, environment, options)
        environment |= {"BINANCE_API_BASE_URL": simulator, "BINANCE_API_FALLBACK_URLS": "[]"}
    supervisor.start("fetcher", _manage("run_market_fetcher"), environment)
    web_server = [str(BASE_DIR / "deploy" / "web-server"), f"--port={options.port}", "--log-level=warning"]
    supervisor.start("web", web_server, environment)
    supervisor.run_until(
        lambda: answers_http(options.port, "/", _REQUEST_TIMEOUT_SECONDS),
        "The first answer of the web server",
        _READY_DEADLINE_SECONDS,
    )
    return StackAddresses(f"http://{LOOPBACK}:{options.port}", simulator, embedded_cache_port)


def _start_simulator(supervisor: Supervisor, environment: Mapping[str, str], options: Options) -> str:
    """Start the simulator and return its address once it answers there."""
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

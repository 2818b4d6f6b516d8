"""`manage.py run_exchange_simulator`: serve SIMULATED prices in the exchange's wire format until stopped."""

import json
import signal
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange_simulator.control import CONTROL_PREFIX
from exchange_simulator.fault_kinds import FaultInputError
from exchange_simulator.generated import DEFAULT_SYMBOL_COUNT, generate_market
from exchange_simulator.market import MarketSource
from exchange_simulator.recording import RecordingError, read_recording
from exchange_simulator.server import RunningSimulator

NAP_SECONDS = 0.1
MOST_SYMBOLS = 20_000
MOST_WEIGHT = 1_000_000_000


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return read


class Command(BaseCommand):
    help = "Serves SIMULATED prices in Binance's wire format, for tests and demonstrations."
    requires_system_checks = []
    _is_stopping = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=_whole_number(0, 65_535), required=True, help="0 takes a free port")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument(
            "--tickers", type=Path, metavar="FILE", help="a recorded answer of ticker/24hr without symbols"
        )
        parser.add_argument("--exchange-info", type=Path, metavar="FILE", help="a recorded answer of exchangeInfo")
        parser.add_argument(
            "--symbols",
            type=_whole_number(1, MOST_SYMBOLS),
            metavar="N",
            help=f"symbols of the generated market, {DEFAULT_SYMBOL_COUNT} where left out",
        )
        parser.add_argument("--seed", type=_whole_number(0, 2**63), default=1, metavar="N")
        parser.add_argument("--still", action="store_true", help="prices stay as recorded or generated")
        parser.add_argument(
            "--weight-limit",
            type=_whole_number(1, MOST_WEIGHT),
            metavar="N",
            help="request weight a minute; the exchangeInfo that is served names it",
        )
        parser.add_argument("--faults", metavar="JSON", help="faults from the start, as the control address takes them")

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        market, description = _choose_market(options)
        simulator = RunningSimulator(
            market=market,
            seed=options["seed"],
            is_still=options["still"],
            weight_limit=options["weight_limit"],
            host=options["host"],
            port=options["port"],
        )
        _switch_faults_on(simulator, options["faults"])
        self._serve(simulator, description)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True

    def _serve(self, simulator: RunningSimulator, description: str) -> None:
        try:
            simulator.start()
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise CommandError(
                f"The exchange simulator cannot listen at {simulator.base_url}: {reason}. "
                "Choose another address with --host and --port (--port 0 takes a free port)."
            ) from error
        self.stdout.write(f"Exchange simulator at {simulator.base_url}: prices are SIMULATED ({description}).")
        self.stdout.write(f"Faults and request counts: {simulator.base_url}{CONTROL_PREFIX}/")
        self.stdout.flush()
        while not self._is_stopping:
            time.sleep(NAP_SECONDS)
        simulator.stop()
        self.stdout.write("Exchange simulator stopped.")


def _choose_market(options: dict[str, Any]) -> tuple[MarketSource, str]:
    """Return the market that is asked for, and what it is in words."""
    tickers, exchange_info = options["tickers"], options["exchange_info"]
    movement = "standing still" if options["still"] else f"moving at random, seed {options['seed']}"
    if tickers is None and exchange_info is None:
        count = options["symbols"] or DEFAULT_SYMBOL_COUNT
        return generate_market(symbol_count=count, seed=options["seed"]), f"generated, {count} symbols, {movement}"
    if tickers is None or exchange_info is None:
        raise CommandError("A recording takes two files: give both --tickers FILE and --exchange-info FILE.")
    if options["symbols"] is not None:
        raise CommandError("--symbols is for generated markets; a recording has its own symbols.")
    try:
        market = read_recording(tickers, exchange_info)
    except RecordingError as error:
        raise CommandError(f"The recording cannot be served: {error}.") from error
    return market, f"recorded, {len(market.openings)} symbols, {movement}"


def _switch_faults_on(simulator: RunningSimulator, text: str | None) -> None:
    if text is None:
        return
    try:
        simulator.faults.add_described(json.loads(text))
    except FaultInputError as error:
        raise CommandError(f"--faults: {error}.") from error
    except ValueError as error:
        raise CommandError(f"--faults is no JSON: {error}.") from error

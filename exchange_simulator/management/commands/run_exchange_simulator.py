"""`manage.py run_exchange_simulator`: serve SIMULATED prices in the exchanges' wire formats until stopped."""

import json
import signal
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exchange_simulator.binance.exchange import BinanceExchange
from exchange_simulator.control import CONTROL_PREFIX
from exchange_simulator.fault_kinds import FaultInputError
from exchange_simulator.formats import FORMATS
from exchange_simulator.generated import DEFAULT_SYMBOL_COUNT
from exchange_simulator.market import MarketSource
from exchange_simulator.recorded_market import read_recorded_market, recorded_exchange
from exchange_simulator.recording import RecordingError
from exchange_simulator.server import RunningExchanges, RunningSimulator

NAP_SECONDS = 0.1
MOST_SYMBOLS = 20_000
MOST_WEIGHT = 1_000_000_000
MOST_CACHE_SECONDS = 86_400
USUAL_EXCHANGE = BinanceExchange.name
LARGEST_PORT = 65_535


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
        return int(text)

    return read


def _exchange_and_port(text: str) -> tuple[str, int]:
    name, _, port = text.partition("=")
    if name not in FORMATS or not port:
        raise ArgumentTypeError(f"{text!r} is no NAME=PORT with one of the names {', '.join(FORMATS)}")
    return name, _whole_number(0, LARGEST_PORT)(port)


class Command(BaseCommand):
    help = "Serves SIMULATED prices in the wire formats of Binance, Kraken and Bitstamp, for tests and demonstrations."
    requires_system_checks = []
    _is_stopping = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=_whole_number(0, LARGEST_PORT), help="0 takes a free port")
        parser.add_argument("--exchange", choices=FORMATS, help=f"what --port serves, {USUAL_EXCHANGE} where left out")
        parser.add_argument(
            "--listen",
            type=_exchange_and_port,
            action="append",
            metavar="NAME=PORT",
            help="instead of --port, and once for each exchange: several exchanges of one market",
        )
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--tickers", type=Path, metavar="FILE", help="a recorded answer with all tickers")
        for name, form in FORMATS.items():
            parser.add_argument(form.list_option, type=Path, metavar="FILE", help=f"{name}'s recorded list of markets")
        parser.add_argument(
            "--symbols",
            type=_whole_number(1, MOST_SYMBOLS),
            metavar="N",
            help=f"symbols of a generated market, {DEFAULT_SYMBOL_COUNT} where left out",
        )
        parser.add_argument("--seed", type=_whole_number(0, 2**63), default=1, metavar="N")
        parser.add_argument("--still", action="store_true", help="prices stay as recorded or generated")
        parser.add_argument(
            "--weight-limit",
            type=_whole_number(1, MOST_WEIGHT),
            metavar="N",
            help="Binance's request weight a minute; the exchangeInfo that is served names it",
        )
        parser.add_argument(
            "--cache-seconds",
            type=_whole_number(0, MOST_CACHE_SECONDS),
            metavar="N",
            help="how long an edge cache keeps an answer: 2, and 0 for Binance, where left out",
        )
        parser.add_argument(
            "--faults", metavar="JSON", help="faults from the start, as the control address takes them, or by exchange"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        ports = _choose_ports(options)
        if options["weight_limit"] is not None and BinanceExchange.name not in ports:
            raise CommandError("--weight-limit is Binance's, which is not served here.")
        recordings = _read_recordings(options, list(ports))
        exchanges = RunningExchanges(
            ports,
            ports=ports,
            markets=recordings,
            symbols=options["symbols"] or DEFAULT_SYMBOL_COUNT,
            seed=options["seed"],
            is_still=options["still"],
            weight_limit=options["weight_limit"],
            cache_seconds=options["cache_seconds"],
            host=options["host"],
        )
        _switch_faults_on(exchanges, options["faults"])
        self._serve(exchanges, {name: _description(options, recordings.get(name)) for name in ports})

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True

    def _serve(self, exchanges: RunningExchanges, descriptions: Mapping[str, str]) -> None:
        for simulator in exchanges:
            self._start(simulator)
        for simulator in exchanges:
            name, description = simulator.exchange.name, descriptions[simulator.exchange.name]
            which = "" if name == USUAL_EXCHANGE else f" of {name}"
            self.stdout.write(
                f"Exchange simulator{which} at {simulator.base_url}: prices are SIMULATED ({description})."
            )
            self.stdout.write(f"Faults and request counts: {simulator.base_url}{CONTROL_PREFIX}/")
        self.stdout.flush()
        while not self._is_stopping:
            time.sleep(NAP_SECONDS)
        for simulator in exchanges:
            simulator.stop()
        self.stdout.write("Exchange simulator stopped.")

    def _start(self, simulator: RunningSimulator) -> None:
        try:
            simulator.start()
        except (OSError, UnicodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise CommandError(
                f"The exchange simulator cannot listen at {simulator.base_url}: {reason}. "
                "Choose another address with --host and --port (--port 0 takes a free port)."
            ) from error


def _choose_ports(options: Mapping[str, Any]) -> dict[str, int]:
    """Return the port of each exchange that is to be served."""
    listen, port, exchange = options["listen"], options["port"], options["exchange"]
    if listen is None:
        if port is None:
            raise CommandError("Give --port N, or --listen NAME=PORT once for each exchange.")
        return {exchange or USUAL_EXCHANGE: port}
    if port is not None or exchange is not None:
        raise CommandError("--listen NAME=PORT stands in place of --exchange and --port; leave those out.")
    ports = dict(listen)
    if len(ports) < len(listen):
        raise CommandError("--listen names an exchange twice.")
    return ports


def _read_recordings(options: Mapping[str, Any], served: list[str]) -> dict[str, MarketSource]:
    """Return the recorded market that is asked for, by its exchange."""
    lists = {name: options[form.list_option.removeprefix("--").replace("-", "_")] for name, form in FORMATS.items()}
    try:
        name = recorded_exchange(options["tickers"], lists, served)
        if name is None:
            return {}
        if options["symbols"] is not None and served == [name]:
            raise CommandError("--symbols is for generated markets; a recording has its own symbols.")
        return {name: read_recorded_market(name, options["tickers"], lists[name])}
    except RecordingError as error:
        raise CommandError(str(error)) from error


def _description(options: Mapping[str, Any], recording: MarketSource | None) -> str:
    movement = "standing still" if options["still"] else f"moving at random, seed {options['seed']}"
    if recording is not None:
        return f"recorded, {len(recording.openings)} symbols, {movement}"
    return f"generated, {options['symbols'] or DEFAULT_SYMBOL_COUNT} symbols, {movement}"


def _switch_faults_on(exchanges: RunningExchanges, text: str | None) -> None:
    """Switch on faults that are given for the one exchange that is served, or as an object by exchange."""
    if text is None:
        return
    served = [simulator.exchange.name for simulator in exchanges]
    try:
        given = json.loads(text)
        by_exchange = given if given and isinstance(given, dict) and given.keys() <= set(served) else {served[0]: given}
        if by_exchange is not given and len(served) > 1:
            example = f'{{"{served[-1]}": {{"kind": "firewall"}}}}'
            raise CommandError(f"--faults: several exchanges are served; name the one, for example {example}.")
        for name, faults in by_exchange.items():
            exchanges[name].faults.add_described(faults)
    except FaultInputError as error:
        raise CommandError(f"--faults: {error}.") from error
    except ValueError as error:
        raise CommandError(f"--faults is no JSON: {error}.") from error

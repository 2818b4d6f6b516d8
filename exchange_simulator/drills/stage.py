"""Where drills are played: one web server and the simulator that feeds it, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from exchange_simulator.drills.answers import NoAnswerError
from exchange_simulator.drills.exchange import ControlledExchange
from exchange_simulator.drills.running_stacks import RunningStack, find_running_stacks
from exchange_simulator.drills.service import MOST_PAIRS, WatchedService


class StageError(Exception):
    """No drill can be played here; the message says why and what to do."""


@dataclass(frozen=True)
class Stage:
    """`symbols` are those of the pairs that are well now, `pids` the stack's processes by name, where known."""

    service: WatchedService
    exchange: ControlledExchange
    symbols: Mapping[str, str]
    pids: Mapping[str, int]


def set_stage(folder: Path, web: str | None, exchange: str | None) -> Stage:
    """Return the stage at these addresses, found in `folder` where left out; raise `StageError` or `NoAnswerError`."""
    stack = _find_stack(folder, web, exchange)
    if stack.exchange_simulator is None:
        raise StageError(f"The exchange of {stack.web} is no simulator: drills are for demo stacks, use make demo.")
    service, simulator = WatchedService(stack.web), ControlledExchange(stack.exchange_simulator)
    _require_simulator(simulator)
    _require_fed_by(service, simulator)
    symbols = dict(islice(service.symbols().items(), MOST_PAIRS))
    if not symbols:
        raise StageError(f"No pair at {service.base_url} has the outcome ok: nothing to lose, so nothing to rehearse.")
    return Stage(service, simulator, symbols, stack.pids)


def _find_stack(folder: Path, web: str | None, exchange: str | None) -> RunningStack:
    stacks = find_running_stacks(folder)
    chosen = [
        stack
        for stack in stacks
        if (web is None or stack.web == web.rstrip("/"))
        and (exchange is None or stack.exchange_simulator == exchange.rstrip("/"))
    ]
    if not chosen and web and exchange:
        return RunningStack(web, exchange, {})
    if not chosen:
        raise StageError("No demo stack runs here: start one with make demo, or give --web and --exchange.")
    if len(chosen) > 1:
        raise StageError(f"Several stacks run: choose with --web, one of {', '.join(stack.web for stack in stacks)}.")
    return chosen[0]


def _require_simulator(exchange: ControlledExchange) -> None:
    try:
        is_simulator = exchange.is_simulator()
    except NoAnswerError as error:
        raise StageError(f"There is no exchange simulator at {exchange.base_url}: {error}.") from None
    if not is_simulator:
        raise StageError(f"{exchange.base_url} is not the exchange simulator: no drill is played with a real exchange.")
    if exchange.faults():
        raise StageError(
            f"Faults are on already; look at {exchange.faults_url}, or switch them off: "
            f"curl -X DELETE {exchange.faults_url}"
        )


def _require_fed_by(service: WatchedService, exchange: ControlledExchange) -> None:
    health = service.ask("health")
    if not health.is_simulated:
        raise StageError(
            f"{service.base_url} does not serve simulated prices (X-Market-Data-Source: {health.source}): "
            "drills are for demo stacks, start one with make demo."
        )
    host = health.content["aggregator"]["exchange"]["host"]
    if host != exchange.host:
        raise StageError(f"{service.base_url} is fed by {host}, not by {exchange.host}: give its own --exchange.")

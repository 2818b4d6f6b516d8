"""What a drill is, and how several are run one after the other."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from exchange_simulator.drills.answers import NoAnswerError
from exchange_simulator.drills.rehearsal import DrillFailedError, Rehearsal


@dataclass(frozen=True)
class Drill:
    """`run` plays it and returns what was seen, or raises `DrillFailedError`; `expected` says what must hold."""

    name: str
    fault: str
    expected: str
    run: Callable[[Rehearsal], str]
    is_long: bool = False
    needs_process: str | None = None


@dataclass(frozen=True)
class Result:
    drill: Drill
    seen: str
    seconds: float
    has_held: bool


def run_drills(
    drills: Iterable[Drill],
    rehearse: Callable[[], AbstractContextManager[Rehearsal]],
    monotonic: Callable[[], float],
    report: Callable[[Result], None],
) -> bool:
    """Run the drills, report each as it ends, and return whether all held. A drill that fails stops no other one."""
    results = []
    for drill in drills:
        began_at = monotonic()
        try:
            with rehearse() as rehearsal:
                seen, has_held = drill.run(rehearsal), True
        except (DrillFailedError, NoAnswerError) as error:
            seen, has_held = str(error), False
        results.append(Result(drill, seen, monotonic() - began_at, has_held))
        report(results[-1])
    return all(result.has_held for result in results)

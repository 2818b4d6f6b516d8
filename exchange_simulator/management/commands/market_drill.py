"""`manage.py market_drill`: rehearse trouble against a running demo stack, and say what held."""

import signal
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from exchange_simulator.drills.answers import NoAnswerError
from exchange_simulator.drills.drill import Drill, Result, run_drills
from exchange_simulator.drills.exchange_drills import EXCHANGE_DRILLS
from exchange_simulator.drills.process_drills import PROCESS_DRILLS
from exchange_simulator.drills.rehearsal import FaultsLeftOnError, Rehearsal
from exchange_simulator.drills.stage import Stage, StageError, set_stage
from exchange_simulator.drills.table import drill_list, table_head, table_row

DRILLS = {drill.name: drill for drill in (*EXCHANGE_DRILLS, *PROCESS_DRILLS)}
INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended."""


class Command(BaseCommand):
    help = "Rehearses outages against a running demo stack (make demo). Without names: all of the short drills."
    requires_system_checks = []
    _is_interrupted = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="a drill; --list names them")
        parser.add_argument("--all", action="store_true", help="the long ones too")
        parser.add_argument("--list", action="store_true", help="show the drills and run none")
        parser.add_argument("--web", metavar="URL", help="the web server; found by itself where one stack runs")
        parser.add_argument("--exchange", metavar="URL", help="the exchange simulator; found by itself likewise")
        parser.add_argument(
            "--with-processes", action="store_true", help="also pause the stack's fetcher and cache for a while"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self.stdout.write(drill_list(list(DRILLS.values())))
            return
        drills = choose_drills(options["names"], is_all=options["all"], with_processes=options["with_processes"])
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._interrupt)
        try:
            stage = set_stage(Path(settings.BASE_DIR) / ".run", options["web"], options["exchange"])
            has_all_held = self._run(drills, stage)
        except (StageError, NoAnswerError, FaultsLeftOnError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted; the faults are switched off.", returncode=INTERRUPTED) from None
        if not has_all_held:
            raise CommandError("Not every drill held.")

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """Note it. Raised here, it could hit the switching off of the faults, or be lost inside a finalizer."""
        self._is_interrupted = True

    def _sleep(self, seconds: float) -> None:
        self._end_if_interrupted()
        time.sleep(seconds)

    def _end_if_interrupted(self) -> None:
        if self._is_interrupted:
            raise KeyboardInterrupt

    def _run(self, drills: Sequence[Drill], stage: Stage) -> bool:
        absent = [drill.name for drill in drills if drill.needs_process not in (None, *stage.pids)]
        if absent:
            raise StageError(f"{', '.join(absent)}: the process ids are not known; start the stack with make demo.")
        self.stdout.write(f"Drills at {stage.service.base_url} with the exchange simulator {stage.exchange.base_url}")
        self.stdout.write(f"Were this killed, faults stay on: curl -X DELETE {stage.exchange.faults_url}\n\n")
        self.stdout.write(table_head())
        return run_drills(drills, lambda: self._rehearsal(stage), time.monotonic, self._report)

    def _rehearsal(self, stage: Stage) -> Rehearsal:
        return Rehearsal(
            stage.service, stage.exchange, stage.symbols, pids=stage.pids, monotonic=time.monotonic, sleep=self._sleep
        )

    def _report(self, result: Result) -> None:
        self.stdout.write(table_row(result))
        self.stdout.flush()
        self._end_if_interrupted()


def choose_drills(names: Sequence[str], *, is_all: bool, with_processes: bool) -> list[Drill]:
    """Return the drills asked for, in the order of their list; raise `CommandError` naming what makes no sense."""
    unknown = [name for name in names if name not in DRILLS]
    if unknown:
        raise CommandError(f"There is no drill {', '.join(unknown)}; there are {', '.join(DRILLS)}.")
    wanted = [
        drill
        for drill in DRILLS.values()
        if (drill.name in names if names else is_all or not drill.is_long)
        and (names or with_processes or drill.needs_process is None)
    ]
    refused = [drill.name for drill in wanted if drill.needs_process and not with_processes]
    if refused:
        raise CommandError(f"{', '.join(refused)} pauses processes of the stack: add --with-processes.")
    return wanted

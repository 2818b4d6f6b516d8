"""`manage.py market_status`: arguments, output, exit code."""

import shutil
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from market_data.inspection.columns import screenful
from market_data.inspection.inspection import Inspection
from market_data.inspection.reading import read_inspection
from market_data.inspection.terminal import inspection_lines
from market_data.management.streams import let_go_of_unwritable_streams

EXIT_CODES = {"healthy": 0, "degraded": 1, "unhealthy": 2}
NOT_WRITTEN = 3
INTERRUPTED = 130
WATCH_SECONDS = 2.0
_TOP_AND_CLEAR = "\x1b[H\x1b[2J"


class Command(BaseCommand):
    help = (
        "Show configuration and state: settings, pairs, fetcher, lease, circuit breaker, rate limit, exchange, Redis "
        "and versions, in 80 columns. It reads Redis alone and never asks the exchange. "
        "Exit code: 0 healthy, 1 degraded, 2 unhealthy (Redis cannot be reached, or the settings cannot work), 3 the "
        "output cannot be written."
    )
    requires_system_checks = []  # wrong settings are among what it shows

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one line of JSON instead of a table")
        parser.add_argument("--all", action="store_true", help="every pair and every setting, however many they are")
        parser.add_argument(
            "--watch", action="store_true", help="draw it again every two seconds; Ctrl-C ends it with exit code 0"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_json, is_complete, is_watch = options["json"], options["all"], options["watch"]
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")  # a pair's name may have letters that the terminal has not
        code = 0
        try:
            while True:
                inspection = read_inspection()
                code = 0 if is_watch else EXIT_CODES[inspection.status]
                self._show(inspection, is_json=is_json, is_complete=is_complete, is_watch=is_watch)
                if not is_watch:
                    break
                time.sleep(WATCH_SECONDS)
        except KeyboardInterrupt:
            code = 0 if is_watch else INTERRUPTED
        except BrokenPipeError:
            pass  # whoever read this has enough, as in `market_status | head`
        except OSError as error:
            self.stderr.write(f"The output cannot be written: {error}.")
            code = NOT_WRITTEN
        finally:
            let_go_of_unwritable_streams()
        if code:
            sys.exit(code)

    def _show(self, inspection: Inspection, *, is_json: bool, is_complete: bool, is_watch: bool) -> None:
        if sys.stdout is None:
            return  # closed by a caller who wants the exit code alone, as with `>&-`
        if is_json:
            self.stdout.write(inspection.encode().decode())
        else:
            lines = inspection_lines(inspection, is_complete=is_complete)
            is_redrawn = is_watch and self.stdout.isatty()
            if is_redrawn:
                lines = screenful(lines, *shutil.get_terminal_size())
            self.stdout.write((_TOP_AND_CLEAR if is_redrawn else "") + "\n".join(lines))
        self.stdout.flush()

"""How long recovery took in each drill, for the table at the end of `pytest tests/drills --recovery-times`.

Only passed drills count. The figures are told, never asserted: they depend on the machine and what else it does.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

_PROPERTY = "recovery"
_HEAD = ("drill", "fault, and what is measured", "s")


class RecoveryTimes:
    """What one drill measures, by the monotonic clock; travels with the drill's report."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def note(self, what: str, seconds: float) -> None:
        self._properties.append((_PROPERTY, (what, seconds)))

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        """Note how long the block takes, where it ends without an error."""
        began = time.monotonic()
        yield
        self.note(what, time.monotonic() - began)


def recovery_table(reports: Sequence[pytest.TestReport]) -> list[str]:
    """Return the lines of the table, in the drills' order."""
    rows = [
        (report.nodeid.rpartition("/")[2].partition("::")[0], what, f"{seconds:.1f}")
        for report in reports
        for name, value in report.user_properties
        if name == _PROPERTY
        for what, seconds in [value]
    ]
    widths = [max(len(row[column]) for row in [_HEAD, *rows]) for column in range(2)]
    return [f"{drill:<{widths[0]}}  {what:<{widths[1]}}  {seconds:>6}" for drill, what, seconds in [_HEAD, *rows]]

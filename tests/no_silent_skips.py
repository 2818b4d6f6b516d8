"""On CI a skipped test is a failure, except where its reason is none that an installation could mend.

That is the absence of the folder `../shared`, and a machine whose kernel denies root the right to mount.
"""

import os

import pytest

NO_RIGHT_TO_MOUNT = "root may not mount anything on this machine (CAP_SYS_ADMIN)"
EXCUSES = ("../shared", NO_RIGHT_TO_MOUNT)


class NoSilentSkips:
    """A pytest plugin; `tests/conftest.py` registers it. Does nothing unless CI is set."""

    def __init__(self) -> None:
        self._unexcused: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._note(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._unexcused and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._unexcused:
            terminalreporter.section("Skipped, which is a failure on CI", red=True)
            for line in self._unexcused:
                terminalreporter.line(line)

    def _note(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if not os.environ.get("CI") or not report.skipped or hasattr(report, "wasxfail"):
            return
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(excuse in reason for excuse in EXCUSES):
            self._unexcused.append(f"{report.nodeid}: {reason}")

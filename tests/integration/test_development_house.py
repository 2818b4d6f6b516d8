"""Rules of the house that the import contracts cannot express, and the guard over skipped tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CONFTEST = """
from tests.no_silent_skips import NoSilentSkips
def pytest_configure(config):
    config.pluginmanager.register(NoSilentSkips())
"""


def _run_skipping_test(folder: Path, reason: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_it.py").write_text(
        f"import pytest\ndef test_works(): pass\n@pytest.mark.skip(reason={reason!r})\ndef test_waits(): pass\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"PYTHONPATH": str(PROJECT), **variables}
    command = [sys.executable, "-m", "pytest", "-p", "no:django", "-p", "no:cacheprovider", str(folder)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_aggregator_package_stays_empty_or_every_web_worker_loads_it():
    assert (PROJECT / "market_data" / "aggregator" / "__init__.py").read_text() == ""


def test_a_skipped_test_is_a_failure_on_ci(tmp_path: Path):
    result = _run_skipping_test(tmp_path, "no browser", CI="true")
    assert result.returncode == pytest.ExitCode.TESTS_FAILED
    assert "test_it.py::test_waits: Skipped: no browser" in result.stdout


def test_a_test_that_needs_the_shared_folder_may_be_skipped_on_ci(tmp_path: Path):
    assert _run_skipping_test(tmp_path, "../shared is not there", CI="true").returncode == pytest.ExitCode.OK


def test_a_skipped_test_is_no_failure_on_a_developers_machine(tmp_path: Path):
    assert _run_skipping_test(tmp_path, "no browser").returncode == pytest.ExitCode.OK

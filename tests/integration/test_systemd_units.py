"""The units in `deploy/systemd/` as systemd itself judges them; how they work is in `test_install_page.py`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from market_data.aggregator.wiring import OUTAGE_WAIT_SECONDS
from market_data.conf.declarations import SETTINGS
from market_data.exchanges.request_weight import _PACES

PROJECT = Path(__file__).resolve().parents[2]
UNITS = sorted((PROJECT / "deploy" / "systemd").glob("*.service"))
LONGEST_LOOK_UP_SECONDS = 30
"""Three name servers, two tries of five seconds each, as resolvers have it."""


@pytest.fixture
def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    return program


def setting(unit: Path, name: str) -> str:
    found = re.search(rf"^{name}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, f"{unit.name} has no {name}"
    return found[1]


def test_there_is_a_unit_for_the_fetcher_and_one_for_the_web_server() -> None:
    assert [unit.name for unit in UNITS] == ["nexusmeme-fetcher@.service", "nexusmeme-web@.service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_systemd_finds_no_fault_in_a_unit(analyze: str, unit: Path, tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "deploy").symlink_to(PROJECT / "deploy")
    there = tmp_path / unit.name
    there.write_text(unit.read_text(encoding="utf-8").replace("/opt/nexusmeme/current", str(tmp_path)))

    judged = subprocess.run([analyze, "verify", "--man=no", str(there)], capture_output=True, text=True, check=False)

    assert [line for line in judged.stderr.splitlines() if unit.stem in line] == []
    assert judged.returncode == 0, judged.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_s_exposure_is_far_below_three_of_ten(analyze: str, unit: Path) -> None:
    command = [analyze, "security", "--offline=true", "--no-pager", str(unit)]
    judged = subprocess.run(command, capture_output=True, text=True, check=False).stdout

    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", judged)
    assert found, judged
    assert float(found[1]) < 2
    assert found[1] in (PROJECT / "docs" / "install.md").read_text(encoding="utf-8"), "the page tells the figure"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_after_redis_and_always_comes_back(unit: Path) -> None:
    assert {"redis-server.service", "valkey-server.service"} <= set(setting(unit, "After").split())
    assert setting(unit, "Restart") == "always"
    assert setting(unit, "StartLimitIntervalSec") == "0"
    assert setting(unit, "User") == "nexusmeme"
    assert setting(unit, "EnvironmentFile") == "/etc/nexusmeme.env"


def test_the_watchdog_waits_longer_than_the_longest_time_between_two_cycles_that_ended() -> None:
    longest_interval = SETTINGS["fetch_interval_ms"].parse("10000") / 1000
    slowest_pace = max(pace for _, pace in _PACES if pace is not None)
    longest_wait = max(OUTAGE_WAIT_SECONDS[1], slowest_pace * longest_interval)

    watchdog = float(setting(UNITS[0], "WatchdogSec"))

    assert watchdog > longest_wait + longest_interval + LONGEST_LOOK_UP_SECONDS

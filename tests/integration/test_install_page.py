"""`docs/install.md`, followed to the letter on a Debian machine with systemd; then upgrade, rollback and trouble.

What differs from a server: the machine has no network, so Debian's packages are there already and Python's lie in a
folder, and its exchange is the simulator, with the shortest interval. Nothing of the page's commands is changed but the
address of the source.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.debian_machine import Machine, require_a_machine
from tests.process_facts import wait_until

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs" / "install.md").read_text(encoding="utf-8")
STEPS = ("1. Packages", "2. User and settings", "3. A release", "4. Services", "5. nginx", "6. Look")
UNITS = ("nexusmeme-fetcher@1", "nexusmeme-fetcher@2", "nexusmeme-web@1", "nexusmeme-web@2")
NO_NETWORK = """
printf 'APT::Get::Upgrade "false"; Acquire::Retries "0";' > /etc/apt/apt.conf.d/99-no-network
printf '[global]\\nno-index = true\\nfind-links = /mnt/wheels\\n' > /etc/pip.conf
rm -rf ~/.pip ~/.config/pip
"""
EXCHANGE = """
cat >> /etc/nexusmeme.env <<END
BINANCE_API_BASE_URL=http://127.0.0.1:9000
BINANCE_API_FALLBACK_URLS=[]
MARKET_DATA_FETCH_INTERVAL_MS=2000
END
"""
SIMULATOR = """
systemd-run --quiet --unit simulator --working-directory "$RELEASE" --setenv ENV_FILE=/dev/null \
    "$RELEASE/.venv/bin/python" manage.py run_exchange_simulator --port 9000
"""
# The readers of this test are one client
NO_LIMITS = "sed -i -E 's/rate=[0-9]+r/rate=1000000r/' /etc/nginx/conf.d/nexusmeme.conf && systemctl reload nginx"
LOG_IN = """
cd "$(mktemp -d)"
address=https://prices.example.org/admin/login/
ask() { curl -sk --resolve prices.example.org:443:127.0.0.1 -b jar -c jar -e "$address" -o page "$@" "$address"; }
touch jar
ask
token=$(awk '/csrftoken/ {print $7}' jar)
ask -d "csrfmiddlewaretoken=$token&username=staff&password=a-long-passphrase" -w '%{http_code}'
"""
CACHE_TTL_MS = 15_000
START_SECONDS = 15
"""A time-out for a start that is shorter than usual; a busy machine starts a process within it all the same."""
_NOT_RUN = "<!-- not run"


def commands_of(section: str) -> list[str]:
    """Return the blocks of commands below a heading that the page does not except."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    parts = re.split(r"^```sh\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    pairs = zip(parts[::2], parts[1::2], strict=False)
    return [block for before, block in pairs if _NOT_RUN not in before.rstrip().rpartition("\n")[2]]


@dataclass
class Server:
    """The machine on which the page was followed, its operator's shell, and the project's repository."""

    machine: Machine
    source: Path
    shell: str = "RELEASE= ENV_FILE="
    said: dict[str, str] = field(default_factory=dict)

    def follow(self, section: str) -> str:
        """Run a section's commands in the operator's shell, whose variables go on."""
        script = "\n".join(commands_of(section))
        script = re.sub(r"^SOURCE=.*$", "SOURCE=/mnt/source", script, flags=re.MULTILINE)
        self.said[section] = self.run(script)
        return self.said[section]

    def run(self, script: str) -> str:
        keep = "declare -p RELEASE ENV_FILE > ~/shell"
        said = self.machine.run(f"{self.shell}\nexport ENV_FILE\n{script}\n{keep}")
        self.shell = self.machine.run("cat ~/shell")
        return said

    def upgrade(self) -> str:
        """Make a release of the repository as the page says, switch to it, and return its folder."""
        self.follow(STEPS[2])
        self.follow("Upgrade")
        return self.run("echo $RELEASE")

    def copy_release(self, broken: str | None = None) -> str:
        """Return the folder of a copy of the current release; `broken` names a file of it that is to raise."""
        copy = f"/opt/nexusmeme/releases/copy-{uuid4()}"
        self.machine.run(f"cp -a {self.current()} {copy}")
        if broken:
            self.machine.run(f"echo 'raise RuntimeError' > {copy}/{broken}")
        return copy

    def switch_to(self, release: str, *, is_checked: bool = True) -> str:
        return self.machine.run(f"{release}/deploy/switch-release {release}", is_checked=is_checked)

    def releases_in_use(self) -> set[str]:
        return {self.machine.run(f"readlink /proc/{self.main_process(unit)}/cwd") for unit in UNITS}

    def main_process(self, unit: str) -> int:
        return int(self.show(unit, "MainPID"))

    def show(self, unit: str, fact: str) -> str:
        return self.machine.run(f"systemctl show --property {fact} --value {unit}")

    def current(self) -> str:
        return self.machine.run("readlink /opt/nexusmeme/current")

    def standby(self) -> str:
        """Return the fetcher's unit that stands by, once there is one."""
        found: list[str] = []

        def is_found() -> bool:
            found[:] = [unit for unit in UNITS[:2] if "standing by" in self.show(unit, "StatusText")]
            return len(found) == 1

        wait_until(is_found, "one standby")
        return found[0]

    def shows(self, words: str) -> bool:
        """Tell whether systemd shows the words of a fetcher."""
        return any(words in self.show(unit, "StatusText") for unit in UNITS[:2])

    def uptime(self) -> float:
        return float(self.machine.run("cut -d' ' -f1 /proc/uptime"))

    @contextmanager
    def changed(self, unit: str, line: str) -> Iterator[None]:
        """Let a unit have another value for a while, from its next start on."""
        folder = f"/run/systemd/system/{unit}.service.d"
        write = f"mkdir -p {folder}; printf '[Service]\\n{line}\\n' > {folder}/changed.conf"
        self.machine.run(f"{write}; systemctl daemon-reload")
        try:
            yield
        finally:
            self.machine.run(f"rm -r {folder}; systemctl daemon-reload")

    @contextmanager
    def readers(self) -> Iterator[dict[str, Any]]:
        """Let readers read during the block; what they saw is in the mapping afterwards."""
        seen: dict[str, Any] = {}
        command = (sys.executable, "-m", "tests.steady_reader", "127.0.0.1:443", "prices.example.org")
        process = self.machine.beside(*command)
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["is_reading"]
            yield seen
            seen |= json.loads(process.communicate(timeout=60)[0].splitlines()[-1])
        finally:
            process.kill()
            process.wait()


def _git(folder: Path, *words: str) -> None:
    name = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run(["git", "-C", str(folder), *name, *words], check=True, capture_output=True)


def repository_of_this_project(folder: Path) -> Path:
    """Return a repository with the files of this project as they are now."""
    listed = ["git", "-C", str(PROJECT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / name, folder / name)
    _git(folder, "init", "--quiet")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "This project")
    return folder


def wheels(folder: Path) -> Path:
    """Return a folder with what production needs, for the Python of the machine; skip where no index is reached."""
    subprocess.run(["/usr/bin/python3", "-m", "venv", str(folder / "venv")], check=True, capture_output=True)
    download = [str(folder / "venv/bin/pip"), "download", "--quiet", "-r", str(PROJECT / "requirements.txt")]
    done = subprocess.run([*download, "-d", str(folder / "wheels")], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no package index: {done.stderr.strip().splitlines()[-1]}")
    return folder / "wheels"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on which the page was followed from its first to its last step."""
    require_a_machine()
    folder = tmp_path_factory.mktemp("server")
    (folder / "source").mkdir()
    source = repository_of_this_project(folder / "source")
    machine = Machine(folder, {source: "/mnt/source", wheels(folder): "/mnt/wheels"})
    try:
        machine.run(NO_NETWORK)
        running = Server(machine, source)
        besides = {STEPS[1]: EXCHANGE, STEPS[2]: SIMULATOR, STEPS[4]: NO_LIMITS}
        for step in STEPS:
            running.follow(step)
            running.run(besides.get(step, ""))
        yield running
    finally:
        machine.end()


def assert_nobody_noticed(seen: dict[str, Any]) -> None:
    assert seen["failures"] == []
    assert set(seen["statuses"]) == {"200"}
    assert seen["oldest_ms"] < CACHE_TTL_MS


def test_the_page_has_commands_for_every_step() -> None:
    assert [section for section in (*STEPS, "Upgrade", "Rollback") if not commands_of(section)] == []


def test_whoever_follows_the_page_has_prices_on_a_page(server: Server) -> None:
    last = server.said[STEPS[5]]

    assert '"BTC/USDT":{"pair":"BTC/USDT"' in last
    assert '"fresh":4' in last.replace(" ", "")
    page = server.machine.run("curl -sk --resolve prices.example.org:443:127.0.0.1 https://prices.example.org/")
    script = re.search(r'src="(/static/[^"]+\.js)"', page)
    assert script
    head = server.machine.run(
        f"curl -skI --resolve prices.example.org:443:127.0.0.1 https://prices.example.org{script[1]}"
    )
    assert "immutable" in head


def test_systemd_shows_prices_breaker_and_lease_of_the_one_and_that_the_other_stands_by(server: Server) -> None:
    shown = server.said[STEPS[3]]

    assert 'Status: "pairs fresh: 4/4; circuit: closed; lease: held"' in shown
    assert 'Status: "standing by: another fetcher is active; lease: not held"' in shown


@pytest.mark.parametrize("unit", UNITS)
def test_every_process_has_a_user_without_rights_and_the_units_are_hardened(server: Server, unit: str) -> None:
    status = server.machine.run(f"cat /proc/{server.main_process(unit)}/status")

    assert server.machine.run(f"stat --format %U /proc/{server.main_process(unit)}") == "nexusmeme"
    assert re.search(r"^CapEff:\s0+$", status, re.MULTILINE)
    assert re.search(r"^NoNewPrivs:\s1$", status, re.MULTILINE)
    assert re.search(r"^Seccomp:\s2$", status, re.MULTILINE)


def test_staff_can_log_in_for_the_hardened_web_server_may_write_its_database(server: Server) -> None:
    server.machine.run(
        "cd /opt/nexusmeme/current && runuser -u nexusmeme -- env ENV_FILE=/etc/nexusmeme.env "
        "DJANGO_SUPERUSER_PASSWORD=a-long-passphrase .venv/bin/python manage.py createsuperuser --noinput "
        "--username staff --email staff@example.org"
    )

    said = server.machine.run(LOG_IN)

    assert said == "302"


def test_an_upgrade_is_noticed_by_no_reader(server: Server) -> None:
    with server.readers() as seen:
        release = server.upgrade()

    assert server.releases_in_use() == {release}
    assert_nobody_noticed(seen)


def test_a_rollback_is_noticed_by_no_reader_and_leads_forward_again(server: Server) -> None:
    before, release = server.current(), server.copy_release()
    server.switch_to(release)
    with server.readers() as seen:
        server.follow("Rollback")
        assert server.releases_in_use() == {before}
        server.follow("Rollback")

    assert server.releases_in_use() == {release}
    assert_nobody_noticed(seen)


@pytest.mark.parametrize("broken", ["market_data/fetcher/loop.py", "nexusmeme/wsgi.py", "nexusmeme/urls.py"])
def test_a_release_that_does_not_come_up_leaves_the_one_before_at_work(server: Server, broken: str) -> None:
    before, release = server.current(), server.copy_release(broken)
    with server.readers() as seen:
        said = server.switch_to(release, is_checked=False)

    assert "RuntimeError" in said or f"Going back to {before}." in said
    assert server.releases_in_use() == {before} == {server.current()}
    assert_nobody_noticed(seen)


def test_a_fetcher_that_hangs_is_restarted(server: Server) -> None:
    unit = server.standby()
    with server.changed(unit, "WatchdogSec=3"):
        server.machine.run(f"systemctl restart {unit}")
        hung = server.main_process(unit)

        server.machine.run(f"kill -STOP {hung}")

        wait_until(lambda: server.main_process(unit) not in (0, hung), "the restart", 60)
        wait_until(lambda: server.show(unit, "ActiveState") == "active", "its start", 60)
    server.machine.run(f"systemctl restart {unit}")
    assert "Watchdog timeout" in server.machine.run(f"journalctl -u {unit} --no-pager")


@pytest.fixture
def without_redis(server: Server) -> Iterator[None]:
    """Redis is away until the test starts it, or is over."""
    server.machine.run("systemctl stop redis-server")
    yield
    server.machine.run("systemctl start redis-server")
    wait_until(lambda: server.shows("4/4"), "fresh prices after the outage", 60)


@pytest.mark.usefixtures("without_redis")
def test_an_outage_of_redis_restarts_nothing(server: Server) -> None:
    before = {unit: server.main_process(unit) for unit in UNITS}
    for unit in UNITS[:2]:
        wait_until(lambda unit=unit: "waiting for Redis" in server.show(unit, "StatusText"), "the word about Redis", 60)

    server.machine.run("systemctl start redis-server")

    wait_until(lambda: server.shows("4/4"), "fresh prices after the outage", 60)
    assert {unit: server.main_process(unit) for unit in UNITS} == before


def test_a_start_waits_for_redis_past_the_time_out_of_a_start(server: Server, request: pytest.FixtureRequest) -> None:
    unit = server.standby()
    request.getfixturevalue("without_redis")
    with server.changed(unit, f"TimeoutStartSec={START_SECONDS}"):
        server.machine.run(f"systemctl stop {unit}")
        server.machine.run(f"systemctl start --no-block {unit}")
        wait_until(
            lambda: server.main_process(unit) and server.show(unit, "StatusText").startswith("waiting for Redis"),
            "the word about Redis",
        )
        process, began = server.main_process(unit), server.uptime()

        wait_until(lambda: server.uptime() > began + 1.3 * START_SECONDS, "more than the time-out", 2 * START_SECONDS)

        assert server.show(unit, "ActiveState") == "activating"
        server.machine.run("systemctl start redis-server")
        wait_until(lambda: server.show(unit, "ActiveState") == "active", "the end of the start")
        assert server.main_process(unit) == process


def test_a_web_server_that_is_killed_takes_its_workers_with_it_and_comes_back(server: Server) -> None:
    unit = UNITS[2]
    killed = server.main_process(unit)
    workers = server.machine.run(f"cat /proc/{killed}/task/*/children").split()
    assert workers

    with server.readers() as seen:
        server.machine.run(f"kill -KILL {killed}")
        wait_until(lambda: server.main_process(unit) not in (0, killed), "the new process")
        wait_until(lambda: server.show(unit, "ActiveState") == "active", "its first answer", 60)

    assert server.machine.run(f"ls -d /proc/{workers[0]} 2>&1 || true").startswith("ls: cannot")
    assert seen["failures"] == []

"""A Debian machine of its own for one test: this machine's files under an overlay, systemd as its first process.

Nothing that happens on it is left over: what it writes goes into memory, and its network is its loopback alone.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.no_silent_skips import NO_RIGHT_TO_MOUNT
from tests.process_facts import wait_until

NEEDED = {
    "systemd-nspawn": "systemd-container",
    "nginx": "nginx-light",
    "redis-server": "redis-server",
    "git": "git",
    "curl": "curl",
    "openssl": "openssl",
}
"""Programs that a machine without the network cannot install, and their packages."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
START_SECONDS = 60
_CAP_SYS_ADMIN = 21  # its number in linux/capability.h


def require_a_machine() -> None:
    """Skip the test, which is a failure on CI, where no machine can be made."""
    if os.geteuid() != 0:
        pytest.skip("a machine of its own needs root")
    if not _has_right_to_mount():
        pytest.skip(NO_RIGHT_TO_MOUNT)
    missing = [package for program, package in NEEDED.items() if shutil.which(program, path=SYSTEM_PATH) is None]
    if missing:
        pytest.skip(f"not installed: apt-get install {' '.join(missing)}")


def _has_right_to_mount() -> bool:
    effective = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return effective is not None and bool(int(effective[1], 16) >> _CAP_SYS_ADMIN & 1)


class Machine:
    """Runs from construction until `end`. `shown` maps folders of this machine to where it sees them, read-only."""

    def __init__(self, folder: Path, shown: dict[Path, str]) -> None:
        self._memory, self._root = folder / "memory", folder / "memory" / "root"
        self._memory.mkdir()
        _command("mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", str(self._memory))
        try:
            for name in ("root", "changes", "work"):
                (self._memory / name).mkdir()
            layers = f"lowerdir=/,upperdir={self._memory}/changes,workdir={self._memory}/work"
            _command("mount", "-t", "overlay", "overlay", "-o", layers, str(self._root))
            self._console = (folder / "console").open("wb")
            self._nspawn = self._boot(shown)
            wait_until(self._is_up, "the machine's start", START_SECONDS)
        except BaseException:
            self.end()
            raise

    @property
    def first_process(self) -> int:
        return psutil.Process(self._nspawn.pid).children()[0].pid

    def run(self, script: str, *, is_checked: bool = True, seconds: float = 300) -> str:
        """Run a script of bash as root on the machine and return what it said; fail where a command fails."""
        enter = ["nsenter", "--target", str(self.first_process), "--all", "--"]
        environment = ["env", "-i", f"PATH={SYSTEM_PATH}", "HOME=/root", "LANG=C.UTF-8"]
        done = subprocess.run(
            [*enter, *environment, "bash", "-euo", "pipefail", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0 or not is_checked, f"{script}\n\n{done.stdout}"
        return done.stdout.strip()

    def beside(self, *command: str) -> "subprocess.Popen[str]":
        """Start a program of this machine on that machine's network."""
        enter = ["nsenter", "--target", str(self.first_process), "--net", "--"]
        return subprocess.Popen([*enter, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def end(self) -> None:
        if hasattr(self, "_nspawn"):
            family = psutil.Process(self._nspawn.pid).children()
            self._nspawn.terminate()
            try:
                self._nspawn.wait(30)
            except subprocess.TimeoutExpired:
                for process in family:
                    process.kill()
                self._nspawn.kill()
                self._nspawn.wait()
        if os.path.ismount(self._root):
            _command("umount", str(self._root))
        _command("umount", str(self._memory))

    def _boot(self, shown: dict[Path, str]) -> "subprocess.Popen[bytes]":
        isolation = ["--private-network", "--register=no", "--keep-unit", "--machine", f"test-{os.getpid()}"]
        binds = [f"--bind-ro={here}:{there}" for here, there in shown.items()]
        return subprocess.Popen(
            ["systemd-nspawn", "--quiet", "--directory", str(self._root), "--boot", *isolation, *binds],
            stdin=subprocess.DEVNULL,
            stdout=self._console,
            stderr=self._console,
        )

    def _is_up(self) -> bool:
        assert self._nspawn.poll() is None, Path(self._console.name).read_text(errors="replace")
        if not psutil.Process(self._nspawn.pid).children():
            return False
        return self.run("systemctl is-system-running", is_checked=False) in ("running", "degraded")


def _command(*words: str) -> None:
    done: Sequence[str] = words
    subprocess.run(done, check=True, capture_output=True)

"""A Django project that has nothing of this site: made by the steps of docs/django_app.md, word for word."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.documents import text_of

REPOSITORY = Path(__file__).resolve().parents[1]
LONG_RUNNING = ("run_market_fetcher", "runserver")
_BLOCK = re.compile(r"```(?P<language>sh|python)\n(?P<text>.*?)```", re.DOTALL)
_TARGET = re.compile(r"# (?P<file>\S+), at its end\n")


@dataclass(frozen=True)
class Steps:
    """What the document tells an integrator: shell commands and additions to files, in order, and Python to run."""

    actions: list[tuple[str, str]] = field(default_factory=list)
    long_running: list[str] = field(default_factory=list)
    python: list[str] = field(default_factory=list)


def documented_steps() -> Steps:
    steps = Steps()
    for block in _BLOCK.finditer(text_of("docs/django_app.md")):
        target = _TARGET.match(block["text"])
        if block["language"] == "sh":
            for line in block["text"].splitlines():
                is_lasting = any(word in line for word in LONG_RUNNING)
                steps.long_running.append(line) if is_lasting else steps.actions.append(("", line))
        elif target:
            steps.actions.append((target["file"], block["text"]))
        else:
            steps.python.append(block["text"])
    return steps


@dataclass
class ForeignProject:
    """A folder for the source of the app, an environment of its own, and in the end a project in it."""

    root: Path
    variables: dict[str, str]
    folder: Path = field(init=False)

    def __post_init__(self) -> None:
        source = self.root / "source"
        source.mkdir()
        for name in ("pyproject.toml", "README.md", "CHANGELOG.md"):
            shutil.copy(REPOSITORY / name, source)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / "market_data", source / "market_data", ignore=ignored)
        venv.create(self.root / "venv", symlinks=True, with_pip=True)
        # What the app depends on is installed beside the tests already; so nothing is fetched.
        packages = next((self.root / "venv" / "lib").glob("python*/site-packages"))
        (packages / "of_the_tests.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
        shutil.copy(Path(sys.executable).with_name("django-admin"), self.bin / "django-admin")
        self.folder = source

    @property
    def bin(self) -> Path:
        return self.root / "venv" / "bin"

    @property
    def environment(self) -> Mapping[str, str]:
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return {"PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.root), **offline, **self.variables}

    def do(self, steps: Steps) -> None:
        """Follow every step that ends."""
        for file, text in steps.actions:
            if file:
                with (self.folder / file).open("a") as target:
                    target.write(f"\n{text}")
            elif text.startswith("cd "):
                self.folder = self.folder / text.removeprefix("cd ")
            else:
                self.run(text)

    def run(self, command: str) -> str:
        """Run a shell command and return its output; fail with what it said where it fails."""
        ended = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300
        )
        assert ended.returncode == 0, f"{command}: {ended.stdout}{ended.stderr}"
        return ended.stdout

    @contextmanager
    def running(self, command: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
        """Run a command that lasts, for as long as the block; its output goes to a file."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)

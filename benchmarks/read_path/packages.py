"""Where the peers come from: their packages, installed once below `.run/benchmarks`, or found on the machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / ".run" / "benchmarks"
FASTAPI = (
    "fastapi==0.163.2",
    "redis==8.1.0",
    "orjson==3.13.0",
    "uvicorn==0.54.0",
    "uvloop==0.23.0",
    "httptools==0.9.0",
)
FASTIFY = ("fastify@5.12.8", "ioredis@6.0.0")
CHAINLINK = ("@chainlink/external-adapter-framework@2.18.1",)


class NotInstalledError(Exception):
    """A program is missing; the message says how to get it."""


def program(name: str, package: str) -> str:
    """Return the path of a program of the system, or say which Debian package has it."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        raise NotInstalledError(f"{name} is not installed. On Debian and Ubuntu: apt install {package}")
    return found


def fastapi_python() -> Path:
    """Return the interpreter of an environment of its own that has FastAPI."""
    environment = FOLDER / "fastapi"
    mark = environment / "installed"
    if not mark.exists() or mark.read_text() != " ".join(FASTAPI):
        _run([sys.executable, "-m", "venv", "--clear", str(environment)])
        _run([str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", *FASTAPI])
        mark.write_text(" ".join(FASTAPI))
    return environment / "bin" / "python"


def node_folder(name: str, packages: Sequence[str]) -> Path:
    """Return a folder whose `node_modules` has the packages."""
    folder = FOLDER / name
    mark = folder / "installed"
    if not mark.exists() or mark.read_text() != " ".join(packages):
        folder.mkdir(parents=True, exist_ok=True)
        npm = [program("npm", "npm"), "install", "--silent", "--no-fund", "--no-audit"]
        _run([*npm, "--prefix", str(folder), *packages])
        mark.write_text(" ".join(packages))
    return folder


def _run(command: list[str]) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    if ended.returncode:
        raise NotInstalledError(f"{' '.join(command[:4])} … failed: {ended.stderr.strip()[-500:]}")

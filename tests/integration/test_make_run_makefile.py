"""The Makefile on machines that lack something."""

import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


def _make_run(folder: Path, python: Path) -> "subprocess.CompletedProcess[str]":
    command = ["make", "run", f"VENV={folder}/venv", f"PYTHON={python}"]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)


@pytest.fixture
def python_without_venv(tmp_path: Path) -> Path:
    """A stand-in for a system's Python: new enough, without the package that creates environments."""
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\n[ "$1" != "-m" ] || { echo "ensurepip is not available"; exit 1; }\n')
    program.chmod(0o755)
    return program


@pytest.fixture
def old_python(tmp_path: Path) -> Path:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    return program


def test_a_python_that_is_too_old_is_named_with_what_to_write(tmp_path: Path, old_python: Path):
    result = _make_run(tmp_path, old_python)
    assert result.returncode != 0
    assert f"Python 3.11 or newer is needed, and {old_python} is not." in result.stdout
    assert "make run PYTHON=" in result.stdout


def test_a_python_that_cannot_create_environments_gets_the_package_to_install(
    tmp_path: Path, python_without_venv: Path
):
    result = _make_run(tmp_path, python_without_venv)
    assert result.returncode != 0
    assert "apt install python3-venv" in result.stdout
    assert not (tmp_path / "venv").exists()

"""Where the environment variables of this process come from: from the outside, or from the file beside them."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import environ


def env_file(base_dir: Path) -> str:
    """Return the file that may hold settings: `ENV_FILE`, or `.env` in the project's folder."""
    return os.environ.get("ENV_FILE") or str(base_dir / ".env")


def variable_sources(base_dir: Path) -> Mapping[str, str]:
    """Return a source for each variable that the file decides about; call it before the file is read.

    A process that another one started with the variables of the file in its environment cannot tell them from those
    that somebody set to the same value, and says so.
    """
    path = env_file(base_dir)
    name = ".env" if Path(path) == base_dir / ".env" else path
    sources: dict[str, str] = {}
    for variable, value in _variables_in(path).items():
        if variable not in os.environ:
            sources[variable] = name
        elif os.environ[variable] == value:
            sources[variable] = f"environment, the same in {name}"
    return sources


def variable_value(variable: str, base_dir: Path) -> str:
    """Return what the environment or else the file sets a variable to, without reading the file for good."""
    return os.environ[variable] if variable in os.environ else str(_variables_in(env_file(base_dir)).get(variable, ""))


def _variables_in(path: str) -> Mapping[str, Any]:
    class InFile(environ.Env):  # type: ignore[misc]
        ENVIRON: ClassVar[dict[str, Any]] = {}

    logger = logging.getLogger("environ.environ")
    logger.disabled = True  # what it has to say it says when the file is read for good
    InFile.read_env(path)
    logger.disabled = False
    return InFile.ENVIRON

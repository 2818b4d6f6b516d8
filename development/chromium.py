"""The browser for the browser tests: one that is installed, else installed now where that is possible.

`python -m development.chromium` prints the program's path, or says what to do and exits with 1.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

_PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_DEBIAN_INSTALL = (
    ("apt-get", "update", "--quiet"),
    ("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", "chromium"),
)
_PLAYWRIGHT_INSTALL = ((sys.executable, "-m", "playwright", "install", "chromium"),)

ADVICE = (
    "The browser tests need Chromium and none was found or could be installed. Install it (Debian: "
    "apt install chromium), or write CHROMIUM=/path/to/chromium."
)


def find_chromium() -> Path | None:
    """Return the browser that CHROMIUM names, else one of the system's, else Playwright's own."""
    given = os.environ.get("CHROMIUM", "").strip()
    for program in [given] if given else _PROGRAMS:
        found = shutil.which(program)
        if found:
            return Path(found)
    return None if given else _find_playwright_chromium()


def _find_playwright_chromium() -> Path | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if path.exists() else None


def _install() -> bool:
    """Return whether an installation through the system's packages or Playwright went through."""
    is_debian_root = shutil.which("apt-get") is not None and os.geteuid() == 0
    return (is_debian_root and _run_all(_DEBIAN_INSTALL)) or _run_all(_PLAYWRIGHT_INSTALL)


def _run_all(commands: tuple[tuple[str, ...], ...]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Standard output is for the path alone.
    return all(
        subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode == 0  # noqa: S603
        for command in commands
    )


def main() -> int:
    found = find_chromium()
    if found is None and not os.environ.get("CHROMIUM", "").strip() and _install():
        found = find_chromium()
    if found is None:
        print(ADVICE, file=sys.stderr)
        return 1
    print(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())

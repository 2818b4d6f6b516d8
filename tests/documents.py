"""README and docs/ as tests read them."""

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", *sorted(f"docs/{path.name}" for path in (PROJECT / "docs").glob("*.md")))
"""Paths from the project's folder."""


def text_of(document: str) -> str:
    return (PROJECT / document).read_text(encoding="utf-8")


def section_of(document: str, heading: str) -> str:
    """Return what stands below `heading`, up to the next one of its level."""
    level = heading.partition(" ")[0]
    return text_of(document).partition(f"\n{heading}\n")[2].partition(f"\n{level} ")[0]


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors_of(document: Path) -> list[str]:
    """Return what a forge makes of the document's headings for links."""
    headings = re.findall(r"^#+ (.+)$", without_code(document.read_text(encoding="utf-8")), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]

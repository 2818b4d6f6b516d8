"""Panels of horizontal bars as one SVG, readable on light and dark and by those who do not see it. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

WIDTH, LABEL_WIDTH, VALUE_WIDTH = 860, 210, 110
BAR_HEIGHT, ROW_HEIGHT, HEAD_HEIGHT, GAP = 14, 22, 46, 18
_SCALE_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH - 20
_NOTE_CHARACTERS = 130
_STYLE = """
  svg { --paper: #ffffff; --ink: #1b1f24; --faint: #57606a; --own: #0a63c9; --peer: #8c959f; }
  @media (prefers-color-scheme: dark) {
    svg { --paper: #0d1117; --ink: #e6edf3; --faint: #9da7b3; --own: #58a6ff; --peer: #6e7681; }
  }
  text { font: 13px system-ui, sans-serif; fill: var(--ink); }
  .title { font-size: 17px; font-weight: 600; } .panel { font-weight: 600; }
  .faint { fill: var(--faint); font-size: 11px; }
  .paper { fill: var(--paper); } .own { fill: var(--own); } .peer { fill: var(--peer); }
  .spread { stroke: var(--ink); stroke-width: 1.5; }"""


@dataclass(frozen=True)
class Bar:
    """A figure with its spread; `is_own` marks the project's own among its peers."""

    label: str
    value: float
    low: float
    high: float
    is_own: bool


@dataclass(frozen=True)
class Panel:
    """Bars on one scale that begins at zero."""

    title: str
    unit: str
    bars: Sequence[Bar]

    @property
    def height(self) -> int:
        return HEAD_HEIGHT + ROW_HEIGHT * len(self.bars) + GAP

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def as_svg(title: str, note: str, panels: Sequence[Panel]) -> str:
    """Return the picture; its description holds every figure as text."""
    notes = _lines(note)
    top = 40 + 15 * len(notes)
    height = top + sum(panel.height for panel in panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title description">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="description">{escape(_in_words(note, panels))}</desc>',
        f"<style>{_STYLE}\n</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="16" y="28">{escape(title)}</text>',
        *(
            f'<text class="faint" x="16" y="{46 + 15 * number}">{escape(line)}</text>'
            for number, line in enumerate(notes)
        ),
    ]
    for panel in panels:
        parts += _panel(panel, top)
        top += panel.height
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel: Panel, top: int) -> list[str]:
    most = max((max(bar.high, bar.value) for bar in panel.bars), default=0) or 1
    parts = [
        f'<text class="panel" x="16" y="{top + 20}">{escape(panel.title)}</text>',
        f'<text class="faint" x="16" y="{top + 36}">{escape(panel.unit)}</text>',
    ]
    for number, bar in enumerate(panel.bars):
        y = top + HEAD_HEIGHT + ROW_HEIGHT * number
        middle, kind = y + BAR_HEIGHT / 2, "own" if bar.is_own else "peer"
        low, high = (LABEL_WIDTH + _SCALE_WIDTH * end / most for end in (bar.low, bar.high))
        width = max(1.0, _SCALE_WIDTH * bar.value / most)
        parts += [
            f'<text x="{LABEL_WIDTH - 8}" y="{y + 12}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{kind}" x="{LABEL_WIDTH}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" rx="2"/>',
            f'<line class="spread" x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}"/>',
            f'<text x="{WIDTH - 16}" y="{y + 12}" text-anchor="end">{_short(bar.value)}</text>',
        ]
    return parts


def _in_words(note: str, panels: Sequence[Panel]) -> str:
    told = (
        f"{panel.title} ({panel.unit}): " + ", ".join(f"{bar.label} {_short(bar.value)}" for bar in panel.bars)
        for panel in panels
    )
    return ". ".join([*told, note]) + "."


def _lines(note: str) -> list[str]:
    lines = [""]
    for word in note.split():
        if len(lines[-1]) + len(word) > _NOTE_CHARACTERS:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _short(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}"

import io

from development.terminal import Terminal


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_line_stands_under_a_name_of_fixed_width():
    written = io.StringIO()
    Terminal(written, {}).log("web", "started")
    assert written.getvalue() == "web       | started\n"


def test_the_name_alone_is_coloured_on_a_terminal():
    written = _Screen()
    Terminal(written, {}).log("web", "started")
    assert written.getvalue() == "\033[32mweb       |\033[0m started\n"


def test_no_color_is_respected():
    written = _Screen()
    Terminal(written, {"NO_COLOR": "1"}).log("web", "started")
    assert written.getvalue() == "web       | started\n"


def test_an_announcement_stands_in_a_frame_as_wide_as_its_longest_line():
    written = io.StringIO()
    Terminal(written, {}).announce("SIMULATED", "not real", needs_attention=True)
    assert written.getvalue() == (
        "\n"
        "=============\n"
        "| SIMULATED |\n"
        "| not real  |\n"
        "=============\n"
        "\n"
    )  # fmt: skip

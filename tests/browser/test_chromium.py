import pytest

from tests.browser.conftest import chromium_program


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_a_browser_the_tests_fail_on_ci_and_are_skipped_with_a_reason_elsewhere(monkeypatch, ci, outcome):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="apt install chromium"):
        chromium_program()

"""The file with the settings: what people's editors and habits make of it is read rightly, or refused by its line."""

import os

import pytest

from nexusmeme.env_file import UNUSABLE_SETTINGS, load_env_file, read_env_file

PASSWORD = "Rec0gnisable"
VARIABLE = "NEXUSMEME_TEST_OF_THE_FILE"


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """No file is named, and what a test reads is gone after it."""
    monkeypatch.delenv("ENV_FILE", raising=False)
    before = dict(os.environ)
    yield monkeypatch
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


@pytest.fixture
def read(tmp_path):
    def read(content: str | bytes) -> dict[str, str]:
        (tmp_path / ".env").write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_env_file(tmp_path)

    return read


@pytest.fixture
def refusal(read, capfd):
    """Return what is said of a file that stops the process."""

    def refusal(content: str | bytes) -> str:
        with pytest.raises(SystemExit) as end:
            read(content)
        assert end.value.code == UNUSABLE_SETTINGS
        return capfd.readouterr().err

    return refusal


@pytest.mark.parametrize(
    "line",
    [
        "A=x y",
        "\ufeffA=x y",
        "A = x y",
        "A\t=\tx y",
        "  A=x y",
        "\u00a0A=x y",
        "A=x y   ",
        "A=x y\r\n",
        "A=x y\rB=1",
        "export A=x y",
        "  export  A =  x y",
        "A='x y'",
        'A="x y"',
        "A = 'x y'  ",
        "A=x y # a comment",
        "A='x y' # a comment",
        'A="x y"\t# "a comment"',
        "A=other\nA=x y",
        "# A=other\n\n   # B\nA=x y",
    ],
)
def test_a_line_means_the_same_however_it_is_written(read, line):
    assert read(line)["A"] == "x y"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("", ""),
        ("''", ""),
        (" # nothing", ""),
        ("#1", "#1"),
        ("a#1", "a#1"),
        ("a=b", "a=b"),
        ("$q*eo", "$q*eo"),
        ("'$HOME'", "$HOME"),
        ('"${HOME}"', "${HOME}"),
        (r'"\$HOME"', "$HOME"),
        (r'"a \"b\" \\ \n"', r'a "b" \ \n'),
        (r"'a\b'", r"a\b"),
        (r"C:\new", r"C:\new"),
        ("it's", "it's"),
        ("' x '", " x "),
        ('["BTC/USD", "ETH/USD"]', '["BTC/USD", "ETH/USD"]'),
        ("""'["BTC/USD"]'""", '["BTC/USD"]'),
        ('{"USD":"USDT"}', '{"USD":"USDT"}'),
        ("币安人生/USDT", "币安人生/USDT"),
        ("a\u2028b\x0cc\x85d", "a\u2028b\x0cc\x85d"),
    ],
)
def test_a_value_is_taken_literally(read, written, value):
    assert read(f"A={written}\nB=1") == {"A": value, "B": "1"}


@pytest.mark.parametrize(
    "line",
    [
        f"A {PASSWORD}",
        PASSWORD,
        f"A: {PASSWORD}",
        f"A-B={PASSWORD}",
        f"1A={PASSWORD}",
        f"={PASSWORD}",
        f"export A B={PASSWORD}",
        f"A='{PASSWORD}",
        f'A="{PASSWORD}',
        f"A='{PASSWORD}' more",
        f'A="{PASSWORD}"more',
        f'A="\\"{PASSWORD}\\"',
        f"\u200bA={PASSWORD}",
        f"Ä={PASSWORD}",
    ],
)
def test_a_line_that_cannot_be_read_is_named_by_file_and_number_without_its_text(refusal, tmp_path, line):
    said = refusal(f"FIRST=1\n\n{line}\nLAST=1\n")

    assert said.startswith(f"{tmp_path}/.env, line 3: ")
    assert said.count("\n") == 1
    assert PASSWORD not in said


def test_every_line_that_cannot_be_read_is_named_at_once(refusal):
    said = refusal("A\r\nB=1\r\nC\r\n")

    assert [line.partition(":")[0].rpartition(" ")[2] for line in said.splitlines()] == ["1", "3"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"])
def test_a_file_that_is_not_utf_8_is_refused_in_one_line(refusal, tmp_path, encoding):
    said = refusal(f"TRADING_PAIRS=BTC/USDT\nSECRET_KEY={PASSWORD}é\n".encode(encoding))

    assert said == f"{tmp_path}/.env is not UTF-8 text. Save it as UTF-8.\n"


def test_the_default_file_may_be_absent_and_a_named_one_may_not(tmp_path, environment, capfd):
    assert read_env_file(tmp_path) == {}

    missing = tmp_path / "missing"
    for path in (missing, tmp_path, missing / "below"):
        environment.setenv("ENV_FILE", str(path))
        with pytest.raises(SystemExit) as end:
            read_env_file(tmp_path)
        assert end.value.code == UNUSABLE_SETTINGS
        said = capfd.readouterr().err
        assert said.startswith(f"{path} cannot be read: ")
        assert said.count("\n") == 1


def test_a_default_file_that_is_there_and_cannot_be_opened_stops(tmp_path, capfd):
    (tmp_path / ".env").symlink_to(tmp_path / "gone")

    with pytest.raises(SystemExit):
        read_env_file(tmp_path)
    assert f"{tmp_path}/.env cannot be read" in capfd.readouterr().err


def test_an_empty_name_of_the_file_means_the_default_one(read, environment):
    environment.setenv("ENV_FILE", "")

    assert read("A=1") == {"A": "1"}


def test_the_environment_wins_over_the_file_and_sources_say_who_did(tmp_path, environment):
    (tmp_path / ".env").write_text(f"{VARIABLE}_A=file\n{VARIABLE}_B=file\n{VARIABLE}_C=both\n")
    environment.setenv(f"{VARIABLE}_B", "environment")
    environment.setenv(f"{VARIABLE}_C", "both")

    assert load_env_file(tmp_path) == {f"{VARIABLE}_A": ".env", f"{VARIABLE}_C": "environment, the same in .env"}
    assert [os.environ[f"{VARIABLE}_{letter}"] for letter in "ABC"] == ["file", "environment", "both"]

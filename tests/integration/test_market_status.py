"""`manage.py market_status`: a real process on a real cache, its output and its exit code."""

import fcntl
import json
import math
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import unicodedata
from collections.abc import Mapping
from decimal import Decimal

import pytest
import redis

from development.embedded_cache import EmbeddedCache
from tests.process_facts import wait_until
from tests.web_site import PAIRS, REPOSITORY, PriceKeys, report_of_three_exchanges

COMMAND = (sys.executable, "manage.py", "market_status")
HOUR_MS = 3_600_000
LIVES = {"MARKET_DATA_CACHE_TTL_MS": str(HOUR_MS), "MARKET_DATA_CACHE_STALE_TTL_MS": str(HOUR_MS // 2)}
PASSWORD = "Rec0gnisable-Passw0rd"


@pytest.fixture
def keys(redis_client: redis.Redis) -> PriceKeys:
    return PriceKeys(redis_client)


def environment(redis_url: str, pairs: tuple[str, ...] = PAIRS, **variables: str) -> Mapping[str, str]:
    own = {"ENV_FILE": os.devnull, "REDIS_URL": redis_url, "TRADING_PAIRS": json.dumps(pairs)}
    return {"PATH": os.environ["PATH"], **own, **LIVES, **variables}


def status(redis_url: str, *options: str, **named) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *options],
        cwd=REPOSITORY,
        env=environment(redis_url, **named),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def test_all_well_is_exit_code_0(keys: PriceKeys, redis_server: EmbeddedCache) -> None:
    keys.write(*PAIRS)
    keys.report(PAIRS)
    ended = status(redis_server.url)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("Market data: healthy ")
    assert "Pairs: 4 configured, 4 fresh" in ended.stdout
    assert re.search(r"^BTC/USD +binance +BTCUSDT\* +fresh +43,250\.00 +\S+ \w+ +–$", ended.stdout, re.MULTILINE)
    assert re.search(r"^Circuit breaker +State: closed;", ended.stdout, re.MULTILINE)


def test_of_several_exchanges_each_is_told_and_whose_each_price_is(
    keys: PriceKeys, redis_server: EmbeddedCache
) -> None:
    keys.write(*PAIRS, exchange="kraken")
    keys.write_report(report_of_three_exchanges())
    shown = status(redis_server.url).stdout
    told = json.loads(status(redis_server.url, "--json").stdout)

    assert all(len(line) <= 80 for line in shown.splitlines())
    assert re.search(r"^BTC/USDT +kraken +XBT/USDT +fresh +43,250\.00 ", shown, re.MULTILINE)
    assert "* priced in USDT, at 0.9991 USD" in shown
    assert re.search(r"^Kraken +Pairs delivered: 3; Circuit: closed;", shown, re.MULTILINE)
    assert "Kraken delivers instead of Binance: BTC/USDT, ETH/USDT, SHIB/USDT." in shown
    assert not re.search("^Circuit breaker", shown, re.MULTILINE)
    assert told["circuitBreaker"]["state"] == "closed"
    assert told["exchanges"]["binance"]["circuit"] == "open"
    pair = next(one for one in told["pairs"] if one["pair"] == "BTC/USD")
    assert (pair["exchange"], pair["aliasRate"], pair["aliasRateExchange"]) == ("kraken", 0.9991, "bitstamp")


def test_what_health_calls_degraded_is_exit_code_1_with_the_reasons(
    keys: PriceKeys, redis_server: EmbeddedCache
) -> None:
    keys.write("BTC/USDT")
    keys.report(PAIRS, last_error="no host of the exchange answers", is_running=False)
    ended = status(redis_server.url)

    assert ended.returncode == 1
    for reason in ("No fetcher is running.", "Pairs missing: 3 of 4.", "no host of the exchange answers."):
        assert reason in ended.stdout


def test_a_redis_that_is_away_is_exit_code_2_and_the_settings_are_still_shown() -> None:
    with EmbeddedCache() as gone:
        url = gone.url
    ended = status(url)

    assert (ended.returncode, ended.stderr) == (2, "")
    assert "The cache cannot be reached: no connection to Redis." in ended.stdout
    assert "MARKET_DATA_CACHE_TTL_MS = 3600000 ms  (environment)" in ended.stdout


def test_settings_that_cannot_work_are_exit_code_2_with_what_to_write(redis_server: EmbeddedCache) -> None:
    ended = status(redis_server.url, MARKET_DATA_CACHE_TTL_MS="1000", MARKET_DATA_CACHE_STALE_TTL_MS="500")

    assert (ended.returncode, ended.stderr) == (2, "")
    assert "Write for example MARKET_DATA_CACHE_TTL_MS=11960" in " ".join(ended.stdout.split())


def test_the_help_tells_the_exit_codes(redis_server: EmbeddedCache) -> None:
    assert "0 healthy, 1 degraded, 2 unhealthy (" in " ".join(status(redis_server.url, "--help").stdout.split())


@pytest.mark.parametrize("options", [(), ("--all",)], ids=["short", "all"])
def test_no_line_is_wider_than_80_columns_with_300_pairs_of_long_names(
    keys: PriceKeys, redis_server: EmbeddedCache, options: tuple[str, ...]
) -> None:
    pairs = tuple(f"{'币' * 40}{number}/{'VERYLONG' * 5}" for number in range(300))
    keys.write(*pairs[:200], price="123456789012.12345678")
    keys.report(pairs, last_error="a reason without end " * 30 + "\x1b[2J\x07" + "x" * 300)
    ended = status(redis_server.url, *options, pairs=pairs, MARKET_DATA_QUOTE_ALIASES=json.dumps({"A" * 49: "B" * 49}))

    lines = ended.stdout.splitlines()
    assert max(map(columns, lines)) <= 80
    assert "Pairs: 300 configured, 200 fresh, 100 missing" in lines
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", ended.stdout)
    assert "123.46B" in ended.stdout or not options
    assert len(lines) > 300 if options else len(lines) < 100


def test_of_many_pairs_those_in_trouble_are_listed_and_the_others_counted(
    keys: PriceKeys, redis_server: EmbeddedCache
) -> None:
    pairs = tuple(f"COIN{number:03}/USDT" for number in range(60))
    keys.write(*pairs[:58])
    keys.report(pairs)
    listed = re.findall(r"^COIN\d+", status(redis_server.url, pairs=pairs).stdout, re.MULTILINE)

    assert listed == ["COIN058", "COIN059"]


def test_json_is_one_line_with_the_same_content_and_every_digit(keys: PriceKeys, redis_server: EmbeddedCache) -> None:
    keys.write(*PAIRS)
    keys.report(PAIRS)
    ended = status(redis_server.url, "--json")
    content = json.loads(ended.stdout, parse_float=Decimal)

    assert (ended.returncode, ended.stdout.count("\n")) == (0, 1)
    assert (content["status"], content["fetcher"]["isRunning"], content["circuitBreaker"]["state"]) == (
        "healthy",
        True,
        "closed",
    )
    shib = next(row for row in content["pairs"] if row["pair"] == "SHIB/USDT")
    assert (f"{shib['price']:f}", shib["state"], shib["symbol"]) == ("0.00001234", "fresh", "SHIBUSDT")
    assert content["redis"]["isReachable"]
    assert {row["name"] for row in content["settings"]} > {"TRADING_PAIRS", "REDIS_URL", "SECRET_KEY"}


def test_a_setting_from_the_file_names_the_file(redis_server: EmbeddedCache, keys: PriceKeys, tmp_path) -> None:
    file = tmp_path / "nexusmeme.env"
    file.write_text("MARKET_DATA_BATCH_SIZE=7\nLOG_LEVEL=WARNING\nMARKET_DATA_MAX_CONCURRENT_BATCHES=5\n")
    named = {"ENV_FILE": str(file), "LOG_LEVEL": "ERROR", "MARKET_DATA_MAX_CONCURRENT_BATCHES": "5"}
    content = json.loads(status(redis_server.url, "--json", **named).stdout)
    sources = {row["name"]: row["source"] for row in content["settings"]}

    assert sources["MARKET_DATA_BATCH_SIZE"] == str(file)
    assert sources["LOG_LEVEL"] == "environment"
    assert sources["MARKET_DATA_MAX_CONCURRENT_BATCHES"] == f"environment, the same in {file}"
    assert sources["MARKET_DATA_FETCH_INTERVAL_MS"] == "default"
    assert max(map(columns, status(redis_server.url, **named).stdout.splitlines())) <= 80


@pytest.mark.parametrize("options", [(), ("--json",), ("--all",)])
def test_no_password_is_told(options: tuple[str, ...]) -> None:
    with EmbeddedCache(password=PASSWORD) as server:
        ended = status(server.url, *options, SECRET_KEY=PASSWORD, BINANCE_API_BASE_URL=f"https://u:{PASSWORD}@x.test")

    assert "********" in ended.stdout
    assert ended.returncode == 1
    assert PASSWORD not in ended.stdout + ended.stderr


def test_a_reader_that_has_enough_is_no_error(keys: PriceKeys, redis_server: EmbeddedCache) -> None:
    command = [*COMMAND, "--watch", "--json"]
    with subprocess.Popen(
        command, cwd=REPOSITORY, env=environment(redis_server.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (0, b"")


@pytest.mark.parametrize(("redirection", "code"), [(">&-", 0), (">&- 2>&-", 0), (">/dev/full", 3)])
def test_output_that_cannot_be_written_is_not_taken_for_a_degraded_service(
    keys: PriceKeys, redis_server: EmbeddedCache, redirection: str, code: int
) -> None:
    keys.write(*PAIRS)
    keys.report(PAIRS)
    command = ["sh", "-c", f'exec "$@" {redirection}', "sh", *COMMAND]
    ended = subprocess.run(
        command, cwd=REPOSITORY, env=environment(redis_server.url), capture_output=True, text=True, check=False
    )

    assert ended.returncode == code
    assert "Traceback" not in ended.stderr
    assert ("cannot be written" in ended.stderr) is (code == 3)


def test_settings_that_cannot_even_be_read_are_exit_code_2(redis_server: EmbeddedCache) -> None:
    ended = status(redis_server.url, LOG_LEVEL="loud")

    assert ended.returncode == 2
    assert "Write for example LOG_LEVEL=INFO" in ended.stderr


def test_a_terminal_that_lacks_letters_shows_others(keys: PriceKeys, redis_server: EmbeddedCache) -> None:
    ended = status(redis_server.url, pairs=("币安人生/USDT",), PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert ended.stderr == ""
    assert "????/USDT" in ended.stdout


@pytest.mark.parametrize("screen_columns", [80, 45])
def test_watch_redraws_the_screen_of_a_terminal_and_ctrl_c_ends_it(
    keys: PriceKeys, redis_server: EmbeddedCache, screen_columns: int
) -> None:
    keys.write(*PAIRS)
    keys.report(PAIRS)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 20, screen_columns, 0, 0))
    # Tests that a shell runs in the background inherit from it that Ctrl-C is ignored.
    command = ["env", "--default-signal=INT", *COMMAND, "--watch"]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment(redis_server.url), stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = ""

    def has_drawn_twice() -> bool:
        nonlocal shown
        shown += os.read(ours, 65536).decode()
        return shown.count("Market data: ") >= 2

    try:
        wait_until(has_drawn_twice, "a second picture")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    frames = shown.split("\x1b[H\x1b[2J")[1:]
    assert sum(math.ceil(max(1, columns(line)) / screen_columns) for line in frames[0].splitlines()) <= 20
    assert "more lines" in frames[0]
    assert "Traceback" not in shown

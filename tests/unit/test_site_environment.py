"""The site's settings: what is wrong is said without repeating a password."""

import os
from pathlib import Path

import pytest

from market_data.conf.declarations import SETTINGS
from market_data.conf.loading import load
from nexusmeme.env_file import UNUSABLE_SETTINGS
from nexusmeme.environment import SITE_SETTINGS, read_environment

PASSWORD = "Rec0gnisable"


@pytest.fixture
def environment(monkeypatch):
    """Read the site's settings with these variables and no file, or with a file of this text."""

    def read(tmp_path: Path, file: str = "", **variables: str):
        for name in SITE_SETTINGS:
            monkeypatch.delenv(name, raising=False)
        env_file = tmp_path / "env"
        env_file.write_text(file)
        for name, value in {"ENV_FILE": str(env_file), **variables}.items():
            monkeypatch.setenv(name, value)
        return read_environment(tmp_path)[0]

    before = dict(os.environ)
    yield read
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", f"redis://:{PASSWORD}@cache.test:port/0"),
        ("REDIS_URL", f"redis://:{PASSWORD}/x@cache.test:6379/0"),
        ("REDIS_URL", f"redis://:123/{PASSWORD}@cache.test:6379/0"),
        ("REDIS_URL", f"redis://:{PASSWORD}#x@cache.test:6379/0"),
        ("REDIS_URL", f"redis://:{PASSWORD}@cache.test:6379/0?no_such_option=1"),
        ("REDIS_URL", f"redis://:{PASSWORD}@cache.test:6379/0?socket_timeout=soon"),
        ("REDIS_URL", f"redis://:{PASSWORD}@[::1/0"),
        ("REDIS_URL", f"redis://:pass?{PASSWORD}=1@cache.test:6379/0"),
        ("REDIS_URL", f"redis://:{PASSWORD}@cache.test:6379/0?decode_responses=true"),
        ("REDIS_URL", f"redis://:{PASSWORD}@cache.test:6379/0?protocol=4"),
        ("REDIS_URL", f"redis://:{PASSWORD}@cache.test:6379/0?socket_timeout=0"),
        ("REDIS_URL", f"rediss://:{PASSWORD}@cache.test:6379/0?ssl_cert_reqs=CERT_NONE"),
        ("REDIS_URL", f"redis+sentinel://:{PASSWORD}@one,two/prices/0?decode_responses=1"),
        ("REDIS_URL", f"http://:{PASSWORD}@cache.test"),
        ("DATABASE_URL", f"postgres://user:{PASSWORD}@db.test:port/name"),
        ("DATABASE_URL", f"postgres://user:{PASSWORD}/x@db.test/name"),
        ("DATABASE_URL", f"nosuch://user:{PASSWORD}@db.test/name"),
        ("DATABASE_URL", f"sqlite://user:{PASSWORD}@host/name"),
        ("DATABASE_URL", PASSWORD),
    ],
)
def test_an_unreadable_address_is_refused_without_its_password(environment, tmp_path, name, value, capfd, recwarn):
    with pytest.raises(SystemExit) as refusal:
        environment(tmp_path, **{name: value})

    assert refusal.value.code == UNUSABLE_SETTINGS
    seen = capfd.readouterr()
    assert name in seen.err
    warned = "".join(str(warning.message) for warning in recwarn)
    assert PASSWORD not in seen.out + seen.err + warned


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BINANCE_API_BASE_URL", f"ftp://user:{PASSWORD}@exchange.test"),
        ("BINANCE_API_BASE_URL", f"http://user:{PASSWORD}@exchange.test:99999"),
        ("BINANCE_API_BASE_URL", f"http://user:{PASSWORD}@exchange .test"),
        ("BINANCE_API_BASE_URL", f"http://user:{PASSWORD}@exchange.test?x=1"),
        ("BINANCE_API_FALLBACK_URLS", f'["http://user:{PASSWORD}@exchange.test"'),
        ("BINANCE_API_FALLBACK_URLS", f'[["http://user:{PASSWORD}@exchange.test"]]'),
    ],
)
def test_an_unreadable_address_of_the_exchange_is_refused_without_its_password(name, value):
    (problem,) = load({name: value}.get).errors

    assert name in problem.message
    assert PASSWORD not in str(problem)


@pytest.mark.parametrize("key", ["$q*eo(1", "$HOME", "${HOME}", "$(id)", "a$b"])
def test_a_value_with_a_dollar_sign_stands_for_itself(environment, tmp_path, key):
    assert environment(tmp_path, SECRET_KEY=key)["SECRET_KEY"] == key
    database = environment(tmp_path, DATABASE_URL=f"postgres://user:{key}@db.test/name")["DATABASE_URL"]
    assert database["PASSWORD"] == key


@pytest.mark.parametrize(
    "url",
    [
        "redis://cache.test",
        "rediss://u:p@cache.test:6380/3?socket_timeout=2",
        "unix:///a?db=1",
        "rediss://cache.test?ssl_cert_reqs=none",
        "redis://cache.test?protocol=3",
    ],
)
def test_addresses_as_redis_providers_give_them_are_accepted(environment, tmp_path, url):
    assert environment(tmp_path, REDIS_URL=url)["REDIS_URL"] == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", "https://x"),
        ("ALLOWED_HOSTS", "x:8443"),
        ("ALLOWED_HOSTS", "a b"),
        ("ALLOWED_HOSTS", "a.test;b.test"),
        ("ALLOWED_HOSTS", "a.test,b.test/"),
        ("ALLOWED_HOSTS", '["a.test", "x:8443"]'),
        ("ALLOWED_HOSTS", "*.a.test"),
        ("ALLOWED_HOSTS", "a.test."),
        ("ALLOWED_HOSTS", "a_b"),
        ("ALLOWED_HOSTS", "bücher.test"),
        ("ALLOWED_HOSTS", "::1"),
        ("ALLOWED_HOSTS", "[::1]:8000"),
        ("ALLOWED_HOSTS", "[a.test]"),
        ("ALLOWED_HOSTS", "[]"),
        ("CSRF_TRUSTED_ORIGINS", "a.test"),
        ("CSRF_TRUSTED_ORIGINS", "https://a.test/"),
        ("CSRF_TRUSTED_ORIGINS", "https://a.test/admin"),
        ("CSRF_TRUSTED_ORIGINS", "https://a b"),
        ("CSRF_TRUSTED_ORIGINS", "*://a.test"),
        ("CSRF_TRUSTED_ORIGINS", "https://a.test,b.test"),
    ],
)
def test_a_host_or_origin_that_no_request_can_have_is_refused_with_what_to_write(
    environment, tmp_path, name, value, capfd
):
    with pytest.raises(SystemExit):
        environment(tmp_path, **{name: value})

    said = capfd.readouterr().err
    assert said.startswith(f"{name}: ")
    assert said.count("\n") == 1
    assert f"Write for example {name}={SITE_SETTINGS[name].example}" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", ".Example.org, a-b.test,"),
        ("ALLOWED_HOSTS", '["xn--bcher-kva.test"]'),
        ("CSRF_TRUSTED_ORIGINS", "https://a.test,http://*.b.test:8443"),
        ("CSRF_TRUSTED_ORIGINS", "http://[::1]:8000"),
    ],
)
def test_hosts_and_origins_that_requests_can_have_are_accepted(environment, tmp_path, name, value):
    assert environment(tmp_path, **{name: value})[name]


def test_a_value_that_is_no_secret_is_quoted_so_that_its_writer_finds_it():
    (problem,) = load({"MARKET_DATA_BATCH_SIZE": "4 s"}.get).errors

    assert "'4 s'" in problem.message


def test_every_setting_that_takes_an_address_or_a_key_is_declared_secret():
    declared = [*SETTINGS.values(), *SITE_SETTINGS.values()]
    named = {setting.name for setting in declared if setting.name.endswith(("_URL", "_URLS", "_KEY"))}

    assert {setting.name for setting in declared if setting.is_secret} == named

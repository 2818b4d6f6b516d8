"""The line of the last hour: what the history endpoint tells, continued with the prices that are polled."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

STEP_MS = 16_000
HALF_AN_HOUR = [(number * STEP_MS, str(43_000 + number)) for number in range(112, 0, -1)]
END_MS = 1_700_000_000_000


def line(page: Page, pair: str = "BTC/USDT"):
    return page.locator(f"[data-pair='{pair}'] [data-field=line]")


@pytest.fixture
def drawn(module_page):
    """Draw points, given as `[ms before the end, price]`."""

    def draw(points, interval_ms=15_000):
        script = """async ([points, end, interval]) =>
            (await import("./sparkline.js"))
                .sparkline(points.map(([age, price]) => [end - age, price]), end, interval)"""
        return module_page.evaluate(script, [points, END_MS, interval_ms])

    return draw


@pytest.fixture
def series(module_page):
    """Run a script with a new `series` and return what it returns."""

    def run(script):
        return module_page.evaluate(
            f"async () => {{ const {{ PriceSeries }} = await import('./price-series.js')\n"
            f"const series = new PriceSeries()\n"
            f"const note = (timestamp, price) => series.note({{ pair: 'A/B', timestamp, price }})\n{script} }}"
        )

    return run


def test_a_page_just_opened_has_the_last_hour_at_once(site, page, keys):
    keys.write_history("BTC/USDT", HALF_AN_HOUR)
    page.goto(site.url)

    expect(line(page)).to_have_attribute("d", re.compile(r"^M[\d.]+ [\d.]+L(?:[\d.]+ ?){200,}$"))
    expect(page.locator("[data-pair='BTC/USDT']")).to_have_attribute("data-trend", "up")


def test_a_gap_in_the_data_is_a_gap_in_the_line(site, page, keys):
    keys.write_history("BTC/USDT", HALF_AN_HOUR[:40] + HALF_AN_HOUR[60:])
    page.goto(site.url)

    expect(line(page)).to_have_attribute("d", re.compile(r"^M[^M]+M[^M]+$"))


def test_the_line_goes_on_with_the_prices_that_are_polled(site, page, keys):
    keys.write_history("BTC/USDT", HALF_AN_HOUR)
    page.goto(site.url)
    expect(line(page)).to_have_attribute("d", re.compile(".{200}"))
    before = line(page).get_attribute("d")
    keys.write("BTC/USDT", price="40000.00000000")

    expect(line(page)).not_to_have_attribute("d", before)
    expect(page.locator("[data-pair='BTC/USDT']")).to_have_attribute("data-trend", "down")


def test_only_the_pairs_on_the_screen_are_asked_for(start_site, keys, page):
    pairs = [f"COIN{number}/USDT" for number in range(200)]
    keys.write(*pairs)
    keys.report(pairs)
    site = start_site(TRADING_PAIRS=",".join(pairs))
    with page.expect_request("**/api/market-data/history?*") as request:
        page.goto(site.url)

    asked = request.value.url
    assert "COIN0%2FUSDT" in asked
    assert "COIN199" not in asked
    with page.expect_request(lambda request: "COIN199" in request.url):
        page.locator("[data-pair='COIN199/USDT']").scroll_into_view_if_needed()


def test_a_history_that_cannot_be_had_costs_no_price(site, page, outage_expected):
    page.route("**/api/market-data/history?*", lambda route: route.fulfill(status=503, body="no"))
    page.goto(site.url)

    expect(page.locator("[data-pair='BTC/USDT'] [data-field=price]")).to_have_text("43,250.00")
    expect(page.get_by_role("status")).to_contain_text("Live")


def test_time_runs_along_the_line_and_what_is_older_than_an_hour_is_left_out(drawn):
    assert drawn([[4_000_000, 1], [3_600_000, 100], [3_590_000, 200]])["line"] == "M0 29L0.3 3"


def test_a_point_between_two_gaps_is_a_dot(drawn):
    assert drawn([[1_800_000, 100]])["line"] == "M60 16h0"
    shape = drawn([[1_800_000, 100], [1_790_000, 101], [900_000, 102]])
    assert re.fullmatch(r"M[\d. L]+M90 3h0", shape["line"])
    assert shape["area"].count("Z") == 1


@pytest.mark.parametrize(("distance_ms", "strokes"), [(37_500, 1), (37_501, 2)])
def test_points_further_apart_than_two_and_a_half_intervals_are_not_joined(drawn, distance_ms, strokes):
    assert drawn([[100_000, 1], [100_000 - distance_ms, 2]])["line"].count("M") == strokes


def test_a_price_that_hardly_moves_is_not_made_to_look_wild(drawn):
    _, first, _, last = map(float, re.findall(r"[\d.]+", drawn([[30_000, 100_000], [15_000, 100_001]])["line"]))
    assert 0 < first - last < 0.3


@pytest.mark.parametrize(
    ("prices", "trend"), [([1, 2], "up"), ([2, 1], "down"), ([2, 3, 2], "flat"), ([2], "none"), ([], "none")]
)
def test_the_trend_is_that_from_the_first_point_to_the_last(drawn, prices, trend):
    points = [[60_000 - 15_000 * number, price] for number, price in enumerate(prices)]
    assert drawn(points)["trend"] == trend


def test_polled_prices_become_one_point_an_interval_and_the_last_one_always_shows(series):
    points = series("for (let at = 0; at <= 60_000; at += 2000) note(at, at + 1)\nreturn series.points('A/B')")
    assert [at for at, _ in points] == [0, 14_000, 28_000, 42_000, 56_000, 60_000]
    assert points[-1] == [60_000, 60_001]


def test_a_series_never_grows_beyond_an_hour(series):
    count = series("for (let at = 0; at <= 8 * 3_600_000; at += 2000) note(at, 1)\nreturn series.points('A/B').length")
    assert 200 < count < 300


def test_what_was_polled_before_the_history_came_stays_at_its_end(series):
    script = (
        "note(100_000, 7)\nseries.fill('A/B', [[60_000, 5], [80_000, 6], [90_000, null]])\nreturn series.points('A/B')"
    )
    assert series(script) == [[60_000, 5], [80_000, 6], [100_000, 7]]


def test_a_series_is_asked_for_again_after_a_pause_of_polling(series):
    script = "series.fill('A/B', [[1000, 5]])\nnote(%d, 6)\nreturn series.isWanting('A/B')"
    assert series(script % 38_500) is False
    assert series(script % 600_000) is True

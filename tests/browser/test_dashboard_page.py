"""The page as a reader sees it: real Chromium, the real web server, a real cache."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from development.embedded_cache import EmbeddedCache
from tests.web_site import PAIRS, now_ms

pytestmark = pytest.mark.browser

STRICT_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
EVERY_PAIR_LIVE = "Live 4 of 4 prices current."


def card(page: Page, pair: str):
    return page.locator(f'[data-pair="{pair}"]')


def field(page: Page, pair: str, name: str):
    return card(page, pair).locator(f'[data-field="{name}"]')


def status(page: Page):
    return page.get_by_role("status")


def requests_for_prices(page: Page) -> list[str]:
    asked: list[str] = []
    page.on("request", lambda request: "/prices" in request.url and asked.append(request.url))
    return asked


def wait_for_polls(page: Page, count: int) -> None:
    for _ in range(count):
        with page.expect_response(lambda response: "/api/market-data/prices" in response.url):
            pass


def test_the_first_paint_has_prices_without_javascript(site, new_page):
    page = new_page(java_script_enabled=False)
    page.goto(site.url)

    expect(status(page)).to_have_text(re.compile("Live"))
    expect(field(page, "BTC/USDT", "price")).to_have_text("43,250.00")
    expect(field(page, "BTC/USDT", "age")).to_have_text(re.compile(r"^\d+ s ago$"))
    expect(page.get_by_role("link", name="Refresh the prices")).to_be_visible()


def test_a_card_shows_all_there_is_to_know_of_a_pair(site, page):
    page.goto(site.url)

    shown = {
        name: field(page, "ETH/USDT", name).inner_text()
        for name in ("price", "change", "high", "low", "volume", "arrow")
    }
    assert shown == {
        "price": "2,301.15",
        "change": "−1.20%",
        "high": "2,344.40",
        "low": "2,280.00",
        "volume": "412.33K",
        "arrow": "▼",
    }
    expect(card(page, "ETH/USDT")).to_contain_text("412.33K ETH")
    expect(field(page, "ETH/USDT", "state")).to_have_text("Live")


def test_bitcoin_and_shiba_inu_are_both_readable_before_and_after_an_update(site, page, keys):
    page.goto(site.url)
    expect(field(page, "SHIB/USDT", "price")).to_have_text("0.00001234")
    expect(field(page, "SHIB/USDT", "change")).to_have_text("0.00%")
    expect(field(page, "SHIB/USDT", "arrow")).to_have_text("")

    keys.write("SHIB/USDT", price="0.00001230")
    keys.write("BTC/USDT", price="1082448588.00")

    expect(field(page, "SHIB/USDT", "price")).to_have_text("0.00001230")
    expect(field(page, "BTC/USDT", "price")).to_have_text("1,082,448,588.00")


def test_a_new_price_appears_by_itself_and_its_age_counts_every_second(site, page, keys, outage_expected):
    page.clock.install()
    page.goto(site.url)
    keys.write("BTC/USDT", price="43300.10000000")
    page.clock.run_for(2_000)

    expect(field(page, "BTC/USDT", "price")).to_have_text("43,300.10")
    page.route("**/api/market-data/prices", lambda route: route.abort())
    before = int(field(page, "BTC/USDT", "age").inner_text().split()[0])
    page.clock.run_for(1_000)
    later = "|".join(str(before + seconds) for seconds in range(1, 20))  # the installed clock runs on by itself
    expect(field(page, "BTC/USDT", "age")).to_have_text(re.compile(f"^({later}) s ago$"))


def test_a_pair_priced_in_another_quote_asset_says_so(site, page):
    page.goto(site.url)

    expect(field(page, "BTC/USD", "alias")).to_have_text("priced in USDT")
    expect(field(page, "BTC/USDT", "alias")).to_have_text("")


def test_a_page_opened_before_the_first_cycle_learns_of_prices_and_aliases(shared_site, keys, page, outage_expected):
    page.goto(shared_site.url)
    expect(status(page)).to_have_text(re.compile("Unavailable"))
    expect(card(page, "BTC/USD")).to_contain_text("Temporarily unavailable")

    keys.write(*PAIRS)
    keys.report(PAIRS)

    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)
    expect(field(page, "BTC/USD", "alias")).to_have_text("priced in USDT")


def test_an_old_price_turns_stale_and_a_new_one_live_again(site, page, keys):
    page.clock.install()
    page.goto(site.url)
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)

    keys.write("ETH/USDT", age_ms=31_000)
    page.reload()

    expect(status(page)).to_have_text("Stale 3 of 4 prices current, 1 stale.")
    expect(card(page, "ETH/USDT")).to_have_attribute("data-state", "stale")
    expect(card(page, "ETH/USDT")).to_contain_text("Last known price")
    keys.write("ETH/USDT")
    page.clock.run_for(4_000)
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)


def test_a_missing_pair_keeps_its_last_known_price_marked_and_the_others_stay_live(site, page, keys):
    page.goto(site.url)
    keys.expire("ETH/USDT")

    expect(field(page, "ETH/USDT", "state")).to_have_text("Stale")
    expect(field(page, "ETH/USDT", "note")).to_have_text("Last known price")
    expect(field(page, "ETH/USDT", "price")).to_have_text("2,301.15")
    expect(field(page, "BTC/USDT", "state")).to_have_text("Live")


def test_a_pair_that_never_had_a_price_is_missing_in_words(site, page, keys):
    keys.client.delete("market_data:SHIB/USDT", "market_data_last:SHIB/USDT")
    page.goto(site.url)

    expect(field(page, "SHIB/USDT", "state")).to_have_text("Missing")
    expect(field(page, "SHIB/USDT", "note")).to_have_text("Temporarily unavailable")
    expect(field(page, "SHIB/USDT", "price")).to_have_text("–")
    expect(status(page)).to_have_text("Live 3 of 4 prices current, 1 missing.")


def test_an_outage_is_named_in_words_and_ends_by_itself(site, page, keys, outage_expected):
    page.goto(site.url)
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)
    keys.report(PAIRS, last_error="the exchange cannot be reached")
    keys.expire(*PAIRS)

    expect(status(page)).to_have_text("Unavailable Prices are temporarily unavailable. The last known ones are shown.")
    expect(page.locator('[data-field="reasons"]')).to_contain_text("the exchange cannot be reached")
    keys.write(*PAIRS)
    keys.report(PAIRS)
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)
    expect(page.locator('[data-field="reasons"]')).to_have_text("")


def test_a_server_that_is_gone_is_an_error_and_its_return_needs_no_reload(start_site, keys, page, outage_expected):
    keys.write(*PAIRS)
    keys.report(PAIRS)
    site = start_site()
    page.goto(site.url)
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)

    site.stop()
    expect(status(page)).to_have_text("Error The price server cannot be reached. Trying again.")
    expect(field(page, "BTC/USDT", "price")).to_have_text("43,250.00")
    site.start()
    keys.write(*PAIRS)
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)


def test_an_unreachable_cache_is_named_on_the_page_which_still_renders(start_site, page, outage_expected):
    with EmbeddedCache() as cache:
        site = start_site(redis_url=cache.url)
    response = page.goto(site.url)

    assert response.status == 200
    expect(status(page)).to_have_text(re.compile("Unavailable"))
    expect(page.locator('[data-field="reasons"]')).to_contain_text("The cache cannot be reached")


def test_a_hidden_page_asks_for_nothing_and_a_page_that_is_seen_again_asks_at_once(site, page):
    page.clock.install()
    page.goto(site.url)
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)
    set_hidden(page, True)
    asked = requests_for_prices(page)
    page.clock.run_for(60_000)
    assert asked == []

    with page.expect_request("**/api/market-data/prices"):
        set_hidden(page, False)


def set_hidden(page: Page, is_hidden: bool) -> None:
    page.evaluate(
        """(isHidden) => {
            Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true })
            document.dispatchEvent(new Event('visibilitychange'))
        }""",
        is_hidden,
    )


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_browser_clock_wrong_by_an_hour_changes_nothing(site, page, keys, hours):
    page.clock.install(time=now_ms() / 1000 + hours * 3600)
    page.goto(site.url)
    keys.write("BTC/USDT", price="43333.00000000")
    page.clock.run_for(2_000)

    expect(field(page, "BTC/USDT", "price")).to_have_text("43,333.00")
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)
    expect(field(page, "BTC/USDT", "age")).to_have_text(re.compile(r"^\d s ago$"))


def test_simulated_prices_are_unmistakable_from_the_first_paint_on(site, new_page, keys):
    keys.set_source("simulator")
    page = new_page(java_script_enabled=False)
    response = page.goto(site.url)

    assert response.headers["x-market-data-source"] == "simulator"
    expect(page.get_by_text("SIMULATED", exact=True)).to_be_visible()


def test_the_banner_follows_the_source_of_the_prices_while_the_page_is_open(site, page, keys):
    page.goto(site.url)
    banner = page.get_by_text("SIMULATED", exact=True)
    expect(banner).to_be_hidden()

    keys.set_source("simulator")
    expect(banner).to_be_visible()
    keys.set_source("binance")
    expect(banner).to_be_hidden()


def test_no_pairs_leave_an_idle_page_that_says_what_to_do(start_site, page):
    site = start_site(TRADING_PAIRS="[]")
    asked = requests_for_prices(page)
    page.goto(site.url)

    expect(status(page)).to_have_text("Idle No pairs are configured.")
    expect(page.get_by_text("TRADING_PAIRS")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert asked == []


def test_three_hundred_pairs_are_one_request_a_poll_and_all_live(start_site, keys, page):
    pairs = [f"COIN{number}/USDT" for number in range(300)]
    keys.write(*pairs)
    keys.report(pairs)
    site = start_site(TRADING_PAIRS=",".join(pairs))
    asked = requests_for_prices(page)
    page.goto(site.url)

    expect(page.locator("[data-pair]")).to_have_count(300)
    keys.write("COIN299/USDT", price="5.00000000")
    expect(field(page, "COIN299/USDT", "price")).to_have_text("5.0000")
    expect(status(page)).to_have_text("Live 300 of 300 prices current.")
    assert {urlsplit(url).query for url in asked} == {""}


def test_it_works_behind_a_strict_content_security_policy(site, page, keys):
    def add_policy(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, headers={**response.headers, "content-security-policy": STRICT_POLICY})

    page.route(f"{site.url}/", add_policy)
    page.goto(site.url)
    keys.write("BTC/USDT", price="43444.00000000")

    expect(field(page, "BTC/USDT", "price")).to_have_text("43,444.00")
    assert page.locator(".price-card__body").first.evaluate("body => getComputedStyle(body).display") == "grid"


def test_dark_and_light_differ_and_both_have_enough_contrast(site, new_page):
    backgrounds = set()
    for scheme in ("light", "dark"):
        page = new_page(color_scheme=scheme)
        page.goto(site.url)
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.evaluate(LOWEST_CONTRAST) >= 4.5
    assert len(backgrounds) == 2


def test_nothing_jumps_when_prices_change_state(site, page, keys):
    page.goto(site.url)
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)
    heights = "[...document.querySelectorAll('.price-card')].map((card) => card.getBoundingClientRect().height)"
    before = page.evaluate(heights)
    keys.expire("ETH/USDT")
    expect(field(page, "ETH/USDT", "state")).to_have_text("Stale")

    assert page.evaluate(heights) == before


def test_an_unchanged_answer_touches_nothing_but_the_ages(site, page, keys):
    page.goto(site.url)
    expect(status(page)).to_have_text(EVERY_PAIR_LIVE)
    page.evaluate("""() => {
        window.touched = new Set()
        new MutationObserver((changes) => changes.forEach(({ target }) =>
            window.touched.add((target.dataset ?? target.parentElement.dataset).field ?? target.dataset.pair)))
            .observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true })
    }""")
    wait_for_polls(page, 2)
    keys.write("BTC/USDT", price="43555.00000000")
    expect(field(page, "BTC/USDT", "price")).to_have_text("43,555.00")

    assert set(page.evaluate("[...window.touched]")) <= {
        "age",
        "updated",
        "price",
        "position",
        "line",
        "area",
        "BTC/USDT",
    }


def test_only_the_state_is_announced_to_screen_readers(site, page):
    page.goto(site.url)

    live_regions = page.locator("[aria-live], [role=status], [role=alert], [role=log]")
    assert live_regions.count() == 1
    assert live_regions.first.get_attribute("aria-live") == "polite"
    assert live_regions.first.locator("[data-pair], [data-field=age], [data-field=updated]").count() == 0


LOWEST_CONTRAST = """() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d')
    const pixel = (colours) => {
        canvas.clearRect(0, 0, 1, 1)
        for (const colour of colours) {
            canvas.fillStyle = colour
            canvas.fillRect(0, 0, 1, 1)
        }
        return canvas.getImageData(0, 0, 1, 1).data
    }
    const luminance = (colours) => {
        const [r, g, b] = [...pixel(colours)].map((part) => part / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const backgrounds = (element) => element
        ? [...backgrounds(element.parentElement), getComputedStyle(element).backgroundColor] : []
    const texts = [...document.querySelectorAll('body *')].filter((element) =>
        element.checkVisibility() && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    return Math.min(...texts.map((element) => {
        const behind = backgrounds(element)
        const [dark, light] = [luminance([...behind, getComputedStyle(element).color]), luminance(behind)]
            .sort((a, b) => a - b)
        return (light + 0.05) / (dark + 0.05)
    }))
}"""

"""One poller for several components, on a clock and a network that each test moves by hand."""

import pytest

pytestmark = pytest.mark.browser

PROLOGUE = """
const { Surroundings, SERVER_TIME_MS } = await import('./surroundings.js')
const { SharedPolling } = await import('./shared-polling.js')
const { parsePriceRecords } = await import('./price-records.js')
const options = { pollIntervalMs: 2000, staleThresholdMs: 30_000 }
const brought = (browser, prices, ageMs = 0) => ({
    records: parsePriceRecords(JSON.stringify(browser.records(prices, ageMs))), missing: [], source: null,
    time: { serverTimeMs: SERVER_TIME_MS + browser.nowMs, requestedAtMs: browser.nowMs } })
const shared = (more = {}) => {
    const browser = new Surroundings()
    return { browser, polling: new SharedPolling({ endpoint: '/p', ...more }, browser) }
}
"""


@pytest.fixture
def run(module_page):
    """Run the body of an async JavaScript function and return what it returns."""

    def run(body):
        return module_page.evaluate(f"async () => {{ {PROLOGUE} {body} }}")

    return run


def test_one_request_a_round_names_the_pairs_of_all_components_once(run):
    assert run("""
        const { browser, polling } = shared()
        const told = { one: 0, other: 0 }
        const one = polling.join(['A/B', 'C/D'], options, () => told.one++)
        const other = polling.join(['C/D', 'E/F'], options, () => told.other++)
        await browser.settle()
        await browser.answer(200, browser.records({ 'A/B': 1, 'C/D': 2, 'E/F': 3 }))
        await browser.advance(2000)
        return [browser.requests.map(({ url }) => url), Object.keys(one.snapshot().prices),
                Object.keys(other.snapshot().prices), told, browser.mostAtOnce]
    """) == [
        ["/p?pairs=A/B,C/D,E/F"] * 2,
        ["A/B", "C/D"],
        ["C/D", "E/F"],
        {"one": 1, "other": 1},
        1,
    ]


def test_each_component_has_the_state_of_its_own_pairs(run):
    assert run("""
        const { browser, polling } = shared()
        const live = polling.join(['A/B'], options, () => {})
        const old = polling.join(['C/D'], options, () => {})
        const strict = polling.join(['C/D', 'A/B'], { ...options, staleThresholdMs: 60_000 }, () => {})
        const missing = polling.join(['X/Y'], options, () => {})
        await browser.settle()
        const body = { ...browser.records({ 'A/B': 1 }), ...browser.records({ 'C/D': 2 }, 40_000) }
        await browser.answer(206, body, { 'X-Market-Data-Missing': 'X%2FY' })
        return [live, old, strict, missing].map((member) => member.snapshot().status)
    """) == ["polling", "stale", "polling", "unavailable"]


def test_a_component_is_told_only_of_changes_of_its_own_pairs(run):
    assert (
        run("""
        const { browser, polling } = shared()
        let told = 0
        polling.join(['A/B'], options, () => told++)
        polling.join(['C/D'], options, () => {})
        await browser.settle()
        const first = browser.records({ 'A/B': 1, 'C/D': 2 })
        await browser.answer(200, first)
        await browser.advance(2000)
        await browser.answer(200, { ...first, ...browser.records({ 'C/D': 3 }) })
        return told
    """)
        == 1
    )


def test_a_component_that_comes_later_is_asked_for_at_once_and_the_others_keep_their_prices(run):
    assert run("""
        const { browser, polling } = shared()
        const one = polling.join(['A/B'], options, () => {})
        await browser.settle()
        await browser.answer(200, browser.records({ 'A/B': 1 }))
        await browser.advance(500)
        const other = polling.join(['C/D'], options, () => {})
        const loading = other.snapshot().isLoading
        await browser.advance(0)
        const { url, atMs } = browser.last
        await browser.answer(200, browser.records({ 'A/B': 1, 'C/D': 2 }))
        return [loading, url, atMs, one.snapshot().prices['A/B'].price, other.snapshot().status]
    """) == [True, "/p?pairs=A/B,C/D", 1500, 1, "polling"]


def test_a_component_that_comes_while_a_request_is_under_way_is_asked_for_right_after_it(run):
    assert run("""
        const { browser, polling } = shared()
        polling.join(['A/B'], options, () => {})
        await browser.settle()
        const other = polling.join(['C/D'], options, () => {})
        await browser.answer(200, browser.records({ 'A/B': 1 }))
        const between = other.snapshot().status
        await browser.advance(0)
        await browser.answer(200, browser.records({ 'A/B': 1, 'C/D': 2 }))
        return [between, browser.requests.map(({ url }) => url), other.snapshot().status, browser.mostAtOnce]
    """) == ["polling", ["/p?pairs=A/B", "/p?pairs=A/B,C/D"], "polling", 1]


def test_a_component_that_brings_its_prices_costs_no_request_of_its_own(run):
    assert run("""
        const { browser, polling } = shared()
        polling.join(['A/B'], options, () => {})
        await browser.settle()
        await browser.answer(200, browser.records({ 'A/B': 1 }))
        await browser.advance(500)
        const initial = brought(browser, { 'C/D': 2 }, 1000)
        const other = polling.join(['C/D'], { ...options, initial }, () => {})
        await browser.advance(100)
        return [browser.requests.length, other.snapshot().prices['C/D'].price, other.snapshot().ages['C/D']]
    """) == [1, 2, 1100]


def test_what_left_is_not_asked_for_and_after_the_last_nothing_is(run):
    assert run("""
        const { browser, polling } = shared()
        let told = 0
        const one = polling.join(['A/B'], options, () => {})
        const other = polling.join(['C/D'], options, () => told++)
        await browser.settle()
        await browser.answer(200, browser.records({ 'A/B': 1, 'C/D': 1 }))
        other.leave(); other.leave()
        await browser.advance(2000)
        const withoutOther = browser.last.url
        await browser.answer(200, browser.records({ 'A/B': 2 }))
        one.leave()
        await browser.advance(600_000)
        const atEnd = browser.requests.length
        const back = polling.join(['C/D'], options, () => {})
        await browser.advance(0)
        await browser.answer(200, browser.records({ 'C/D': 4 }))
        return [withoutOther, told, atEnd, browser.requests.length, back.snapshot().prices['C/D'].price]
    """) == ["/p?pairs=A/B", 1, 2, 3, 4]


def test_more_pairs_together_than_a_request_may_name_are_split_and_told_of_as_one(run):
    assert run("""
        const { browser, polling } = shared({ maxPairsPerRequest: 2 })
        let told = 0
        polling.join(['A/B', 'C/D'], options, () => told++)
        polling.join(['E/F'], options, () => told++)
        await browser.settle()
        await browser.answer(200, browser.records({ 'A/B': 1, 'C/D': 1 }))
        await browser.answer(200, browser.records({ 'E/F': 1 }))
        return [browser.requests.map(({ url }) => url), browser.mostAtOnce, told]
    """) == [["/p?pairs=A/B,C/D", "/p?pairs=E/F"], 1, 2]


def test_where_one_wants_all_configured_pairs_the_request_names_none_and_serves_the_others_too(run):
    assert run("""
        const { browser, polling } = shared({ maxPairsPerRequest: 1 })
        const all = polling.join(['A/B', 'C/D'], { ...options, usesConfiguredPairs: true }, () => {})
        const one = polling.join(['C/D'], options, () => {})
        await browser.settle()
        await browser.answer(200, browser.records({ 'A/B': 1, 'C/D': 2 }))
        all.leave()
        await browser.advance(2000)
        return [browser.requests.map(({ url }) => url), one.snapshot().prices['C/D'].price]
    """) == [["/p", "/p?pairs=C/D"], 2]


def test_the_shortest_poll_interval_counts_as_long_as_its_component_is_there(run):
    assert run("""
        const { browser, polling } = shared({ followsFetches: false })
        polling.join(['A/B'], { ...options, pollIntervalMs: 5000 }, () => {})
        const hasty = polling.join(['A/B'], { ...options, pollIntervalMs: 1000 }, () => {})
        await browser.settle()
        const poll = async (ms) => {
            await browser.answer(200, browser.records({ 'A/B': 1 }))
            await browser.advance(ms)
        }
        await poll(1000); await poll(500)
        hasty.leave()
        await browser.advance(500); await poll(5000)
        return browser.requests.map(({ atMs }) => atMs)
    """) == [1000, 2000, 3000, 8000]

"""The poller, in a real browser, with a clock and a network that each test moves by hand."""

import pytest

pytestmark = pytest.mark.browser

PROLOGUE = "const { started, Surroundings, SERVER_TIME_MS } = await import('./surroundings.js');"


@pytest.fixture
def run(module_page):
    """Run the body of an async JavaScript function and return what it returns."""

    def run(body):
        return module_page.evaluate(f"async () => {{ {PROLOGUE} {body} }}")

    return run


def test_it_is_idle_until_it_is_started_and_without_pairs_for_good(run):
    assert run("""
        const { PriceCachePolling } = await import('./price-cache-polling.js')
        const waiting = new PriceCachePolling(['A/B'], {}, new Surroundings())
        const { browser, polling } = await started([])
        await browser.advance(60000)
        return [waiting.status, waiting.isLoading, polling.status, polling.isLoading, browser.requests.length]
    """) == ["idle", False, "idle", False, 0]


def test_it_is_loading_until_the_first_answer_and_then_live(run):
    assert run("""
        const { browser, polling } = await started(['BTC/USDT'])
        const before = [polling.isLoading, polling.status]
        await browser.answer(200, browser.records({'BTC/USDT': 43250.5}, 700))
        const { prices, lastUpdate, lastServerUpdate, error, stalePairs, isStale } = polling
        return [before, polling.isLoading, polling.status, prices['BTC/USDT'].price, error, stalePairs, isStale,
                lastUpdate - SERVER_TIME_MS, lastServerUpdate - SERVER_TIME_MS]
    """) == [[True, "polling"], False, "polling", 43250.5, None, [], False, 1000, 300]


def test_it_asks_once_an_interval_from_start_to_start(run):
    assert run("""
        const { browser } = await started(['A/B'], { pollIntervalMs: 2000 })
        for (let poll = 0; poll < 3; poll++) {
            await browser.advance(300)
            await browser.answer(200, browser.records({'A/B': 1 + poll}))
            await browser.advance(1700)
        }
        return browser.requests.map(({ atMs }) => atMs)
    """) == [1000, 3000, 5000, 7000]


def test_there_are_never_two_requests_at_once(run):
    assert run("""
        const { browser, polling } = await started(['A/B'], { pollIntervalMs: 500 })
        polling.start()
        await browser.advance(4000)
        await browser.hide(true); await browser.hide(false); await browser.connect(false); await browser.connect(true)
        const asked = browser.requests.length
        await browser.answer(200, browser.records({'A/B': 1}))
        await browser.hide(true); await browser.hide(false); await browser.connect(true)
        await browser.advance(3000)
        return [asked, browser.mostAtOnce]
    """) == [1, 1]


def test_an_answer_that_comes_after_the_time_out_or_the_stop_never_wins(run):
    assert run("""
        const { browser, polling } = await started(['A/B'], { requestTimeoutMs: 5000 })
        const late = browser.last
        late.ignoresAbort = true
        await browser.advance(5000)
        await browser.advance(2000)
        await browser.answer(200, browser.records({'A/B': 2}))
        await browser.answer(200, browser.records({'A/B': 1}), {}, late)
        const afterTimeout = polling.prices['A/B'].price
        await browser.advance(2000)
        const last = browser.last
        last.ignoresAbort = true
        polling.stop()
        await browser.answer(200, browser.records({'A/B': 3}), {}, last)
        await browser.advance(60000)
        return [late.isAborted, afterTimeout, polling.prices['A/B'].price, polling.status, browser.last === last]
    """) == [True, 2, 2, "idle", True]


def test_an_older_record_from_a_node_that_lags_does_not_replace_a_newer_one(run):
    assert (
        run("""
        const { browser, polling } = await started(['A/B'])
        await browser.answer(200, browser.records({'A/B': 2}, 0))
        await browser.advance(2000)
        await browser.answer(200, browser.records({'A/B': 1}, 9000))
        return polling.prices['A/B'].price
    """)
        == 2
    )


def test_a_price_from_the_future_or_a_stale_one_blocks_nothing(run):
    assert run("""
        const { browser, polling } = await started(['A/B', 'C/D'], { staleThresholdMs: 30000 })
        await browser.answer(200, { ...browser.records({'A/B': 2}, -3600000), ...browser.records({'C/D': 2}, 40000) })
        await browser.advance(2000)
        await browser.answer(200, { ...browser.records({'A/B': 1}, 0), ...browser.records({'C/D': 1}, 50000) })
        return [polling.prices['A/B'].price, polling.prices['C/D'].price]
    """) == [1, 1]


def test_nothing_is_asked_while_the_page_is_hidden_and_at_once_when_it_is_seen_again(run):
    assert run("""
        const { browser } = await started(['A/B'])
        await browser.answer(200, browser.records({'A/B': 1}))
        await browser.hide(true)
        await browser.advance(600000)
        const whileHidden = browser.requests.length
        await browser.hide(false)
        return [whileHidden, browser.requests.length, browser.last.atMs]
    """) == [1, 2, 601_000]


def test_an_answer_that_comes_while_the_page_is_hidden_is_followed_by_no_request(run):
    assert run("""
        const { browser, polling } = await started(['A/B'])
        await browser.hide(true)
        await browser.answer(200, browser.records({'A/B': 1}))
        await browser.advance(60000)
        return [browser.requests.length, polling.prices['A/B'].price]
    """) == [1, 1]


def test_a_page_that_starts_hidden_asks_when_it_is_first_seen(run):
    assert run("""
        const { PriceCachePolling } = await import('./price-cache-polling.js')
        const browser = new Surroundings()
        browser.hidden = true
        new PriceCachePolling(['A/B'], {}, browser).start()
        const before = browser.requests.length
        await browser.hide(false)
        return [before, browser.requests.length]
    """) == [0, 1]


def test_one_lost_request_is_no_error_and_the_second_in_a_row_is(run):
    assert run("""
        const { browser, polling } = await started(['A/B'])
        await browser.answer(200, browser.records({'A/B': 1}))
        const seen = []
        for (let failure = 0; failure < 2; failure++) {
            await browser.advance(2000)
            await browser.fail()
            seen.push([polling.status, polling.error?.kind ?? null])
        }
        await browser.advance(4000)
        await browser.answer(200, browser.records({'A/B': 2}))
        return [seen, polling.status, polling.error, polling.prices['A/B'].price]
    """) == [[["polling", None], ["error", "network"]], "polling", None, 2]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("await browser.fail()", "network"),
        ("await browser.answer(400, {error: 'Bad request', message: 'pairs is empty'})", "http"),
        ("await browser.answer(500, '<html>')", "http"),
        ("await browser.answer(200, '<html>')", "malformed"),
        ("await browser.answer(200, '[]')", "malformed"),
        ("await browser.answer(304)", "http"),
        ("await browser.advance(5000)", "timeout"),
    ],
)
def test_without_any_price_a_failure_is_an_error_at_once(run, answer, kind):
    status, error = run(f"""
        const {{ browser, polling }} = await started(['A/B'])
        {answer}
        return [polling.status, polling.error]
    """)
    assert (status, error["kind"]) == ("error", kind)


def test_a_refusal_is_an_error_at_once_and_says_the_servers_reason(run):
    status, message = run("""
        const { browser, polling } = await started(['A/B'])
        await browser.answer(200, browser.records({'A/B': 1}))
        await browser.advance(2000)
        await browser.answer(400, {error: 'Bad request', message: 'pairs is empty'})
        return [polling.status, polling.error.message]
    """)
    assert (status, message) == ("error", "The price server answered with status 400: pairs is empty")


def test_503_means_unavailable_and_keeps_the_last_known_prices_as_stale(run):
    assert run("""
        const { browser, polling } = await started(['A/B', 'C/D'])
        await browser.answer(200, browser.records({'A/B': 1, 'C/D': 2}))
        await browser.advance(2000)
        await browser.answer(503, {error: 'Price data temporarily unavailable'}, {'Retry-After': '4'})
        return [polling.status, polling.error, polling.stalePairs, polling.prices['C/D'].price]
    """) == ["unavailable", None, ["A/B", "C/D"], 2]


def test_an_answer_without_any_usable_price_means_unavailable(run):
    assert run("""
        const { browser, polling } = await started(['A/B'])
        await browser.answer(200, {})
        return [polling.status, polling.snapshot().missingPairs]
    """) == ["unavailable", ["A/B"]]


def test_206_marks_the_missing_pairs_and_the_others_stay_live(run):
    assert run("""
        const { browser, polling } = await started(['A/B', 'Ä.1/C', 'D/E'])
        await browser.answer(206, browser.records({'A/B': 1}), {'X-Market-Data-Missing': '%C3%84.1%2FC,D%2FE'})
        return [polling.status, polling.snapshot().states]
    """) == ["polling", {"A/B": "live", "Ä.1/C": "missing", "D/E": "missing"}]


def test_a_price_grows_stale_without_any_answer_and_an_update_makes_it_live_again(run):
    assert run("""
        const { browser, polling } = await started(['A/B'], { staleThresholdMs: 30000 })
        await browser.answer(200, browser.records({'A/B': 1}, 5000))
        await browser.hide(true)
        await browser.advance(25000)
        const atThreshold = polling.status
        await browser.advance(1)
        const after = [polling.status, polling.stalePairs, polling.isStale]
        await browser.hide(false)
        await browser.answer(200, browser.records({'A/B': 1}))
        return [atThreshold, after, polling.status]
    """) == ["polling", ["stale", ["A/B"], True], "polling"]


def test_a_record_that_the_server_marks_as_stale_is_stale(run):
    assert run("""
        const { browser, polling } = await started(['A/B'])
        await browser.answer(200, {'A/B': { ...browser.record('A/B', 1), stale: true }})
        return [polling.status, polling.stalePairs]
    """) == ["stale", ["A/B"]]


def test_an_age_counts_from_the_request_and_adds_what_a_shared_cache_says(run):
    assert run("""
        const { browser, polling } = await started(['A/B'])
        const body = browser.records({'A/B': 1}, 1000)
        const time = String(SERVER_TIME_MS + browser.nowMs)
        await browser.advance(400)
        await browser.answer(200, body, { 'X-Market-Data-Time': time, Age: '3' })
        const atAnswer = polling.snapshot().ages['A/B']
        await browser.advance(1000)
        return [atAnswer, polling.snapshot().ages['A/B']]
    """) == [4400, 5400]


def test_the_browsers_date_is_never_asked(run):
    assert run("""
        const now = Date.now
        Date.now = () => { throw new Error('the date was asked') }
        try {
            const { browser, polling } = await started(['A/B'])
            await browser.answer(200, browser.records({'A/B': 1}, 1500))
            return [polling.status, polling.snapshot().ages['A/B']]
        } finally { Date.now = now }
    """) == ["polling", 1500]


def test_304_keeps_the_prices_and_lets_their_age_go_on(run):
    assert run("""
        const { browser, polling, told } = await started(['A/B'])
        await browser.answer(200, browser.records({'A/B': 1}), { ETag: '"one"' })
        await browser.advance(2000)
        const asked = browser.last.headers['If-None-Match']
        await browser.answer(304)
        return [asked, polling.status, polling.prices['A/B'].price, polling.snapshot().ages['A/B'], told.length]
    """) == ['"one"', "polling", 1, 2000, 1]


def test_prices_come_back_with_a_304_after_an_outage(run):
    assert run("""
        const { browser, polling } = await started(['A/B'])
        await browser.answer(200, browser.records({'A/B': 1}), { ETag: '"one"' })
        await browser.advance(2000)
        await browser.answer(503)
        await browser.advance(2000)
        await browser.answer(304)
        return [polling.status, polling.stalePairs]
    """) == ["polling", []]


def test_listeners_hear_of_a_poll_once_and_only_if_it_changed_something(run):
    assert run("""
        const { browser, polling, told } = await started(['A/B', 'C/D'])
        const first = browser.records({'A/B': 1, 'C/D': 2})
        const counts = []
        for (const body of [first, first, browser.records({'A/B': 3, 'C/D': 4}, -2000)]) {
            await browser.answer(200, body)
            counts.push(told.length)
            await browser.advance(2000)
        }
        const unsubscribe = polling.subscribe(() => counts.push('heard'))
        unsubscribe()
        await browser.answer(503)
        return [counts, told.length, told.map(({ status }) => status)]
    """) == [[1, 1, 2], 3, ["polling", "polling", "unavailable"]]


def test_retry_after_is_obeyed_even_when_the_page_is_seen_again(run):
    assert run("""
        const { browser } = await started(['A/B'])
        await browser.answer(503, {}, {'Retry-After': '20'})
        await browser.advance(5000)
        await browser.hide(true); await browser.hide(false); await browser.connect(true)
        await browser.advance(14999)
        const before = browser.requests.length
        await browser.advance(1)
        return [before, browser.requests.map(({ atMs }) => atMs)]
    """) == [1, [1000, 21_000]]


def test_requests_are_further_and_further_apart_while_they_fail_up_to_a_cap(run):
    assert run("""
        const { browser } = await started(['A/B'], { pollIntervalMs: 2000 })
        for (let failure = 0; failure < 6; failure++) {
            await browser.fail()
            const before = browser.requests.length
            while (browser.requests.length === before) await browser.advance(100)
        }
        const instants = browser.requests.map(({ atMs }) => atMs)
        return instants.slice(1).map((instant, index) => instant - instants[index])
    """) == [2000, 4000, 8000, 15000, 15000, 15000]


def test_going_offline_is_said_at_once_and_coming_back_is_tried_at_once(run):
    offline, online, instants = run("""
        const { browser, polling } = await started(['A/B'])
        await browser.answer(200, browser.records({'A/B': 1}))
        await browser.advance(500)
        await browser.connect(false)
        await browser.fail()
        const offline = [polling.status, polling.error.message]
        await browser.advance(700)
        await browser.connect(true)
        await browser.answer(200, browser.records({'A/B': 2}))
        return [offline, polling.status, browser.requests.map(({ atMs }) => atMs)]
    """)
    assert offline == ["error", "This browser is offline."]
    assert online == "polling"
    assert instants == [1000, 1500, 2200]


def test_a_server_on_this_machine_is_asked_even_where_the_browser_believes_to_be_offline(run):
    assert run("""
        const { browser, polling } = await started(['A/B'])
        browser.online = false
        await browser.answer(200, browser.records({'A/B': 1}))
        await browser.advance(2000)
        return [polling.status, browser.requests.length]
    """) == ["polling", 2]


def test_more_pairs_than_fit_one_request_are_asked_for_one_after_another_as_one_update(run):
    assert run("""
        const pairs = ['A/1', 'B/1', 'C/1', 'D/1', 'E/1']
        const { browser, polling, told } = await started(pairs, { maxPairsPerRequest: 2, endpoint: '/p' })
        await browser.answer(200, browser.records({'A/1': 1, 'B/1': 1}))
        const half = [polling.isLoading, Object.keys(polling.prices).length, told.length]
        await browser.answer(503)
        await browser.answer(200, browser.records({'E/1': 1}))
        return [half, browser.requests.map(({ url }) => url), browser.mostAtOnce, told.length, polling.status,
                polling.snapshot().missingPairs]
    """) == [
        [True, 0, 0],
        ["/p?pairs=A/1,B/1", "/p?pairs=C/1,D/1", "/p?pairs=E/1"],
        1,
        1,
        "polling",
        ["C/1", "D/1"],
    ]


def test_all_configured_pairs_are_asked_for_without_naming_them(run):
    assert run("""
        const { browser, polling } = await started(['A/1', 'B/1'], { maxPairsPerRequest: 1, usesConfiguredPairs: true })
        await browser.answer(200, browser.records({'A/1': 1, 'B/1': 1, 'C/1': 1}))
        return [browser.requests.map(({ url }) => url), Object.keys(polling.prices)]
    """) == [["/api/market-data/prices"], ["A/1", "B/1"]]


def test_pairs_are_encoded_in_the_address(run):
    assert (
        run("""
        const { browser } = await started(['币安人生/USDT', 'A&B/C'])
        return browser.last.url
    """)
        == "/api/market-data/prices?pairs=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9F/USDT,A%26B/C"
    )


def test_prices_that_came_with_the_page_are_there_before_the_first_answer(run):
    assert run("""
        const { PriceCachePolling } = await import('./price-cache-polling.js')
        const { parsePriceRecords } = await import('./price-records.js')
        const browser = new Surroundings()
        const records = parsePriceRecords(JSON.stringify(browser.records({'A/B': 5}, 2000)))
        const time = { serverTimeMs: SERVER_TIME_MS + browser.nowMs, requestedAtMs: browser.nowMs }
        const initial = { records, missing: [], source: 'simulator', time }
        const polling = new PriceCachePolling(['A/B'], { initial }, browser)
        polling.start()
        await browser.advance(500)
        const { prices, ages, source, status, isLoading } = polling.snapshot()
        return [prices['A/B'].price, ages['A/B'], source, status, isLoading]
    """) == [5, 2500, "simulator", "polling", True]

"""When the poller asks, given when the fetcher fetches: in a real browser, on a clock that each test moves by hand."""

import statistics
from itertools import pairwise

import pytest

pytestmark = pytest.mark.browser

PROLOGUE = """
const { started, Surroundings, Fetcher } = await import('./surroundings.js')
const { PriceCachePolling } = await import('./price-cache-polling.js')
/** Let a poller run for a while beside a fetcher; what happened in the first half minute is not counted. */
async function observe(fetcher, options = {}, minutes = 3, pairs = ['A/B']) {
    const browser = new Surroundings()
    browser.random = () => 0.5
    const polling = new PriceCachePolling(pairs, options, browser)
    const supply = browser.supply(pairs, fetcher)
    polling.start()
    await browser.settle()
    await browser.advance(30_000)
    const [asked, seen] = [browser.requests.length, supply.delays.length]
    await browser.advance(minutes * 60_000)
    return { requestsPerMinute: (browser.requests.length - asked) / minutes, delays: supply.delays.slice(seen),
             instants: browser.requests.map(({ atMs }) => atMs), polling, browser }
}
"""
BLIND = "{ followsFetches: false }"
ROUNDS_IN_THREE_MINUTES = 45


@pytest.fixture
def run(module_page):
    """Run the body of an async JavaScript function and return what it returns."""

    def run(body):
        return module_page.evaluate(f"async () => {{ {PROLOGUE} {body} }}")

    return run


def observe(run, fetcher, options="{}", pairs="['A/B']"):
    """Return requests a minute and the delays (ms) from a price's receipt to its answer, of three minutes."""
    requests, delays = run(f"""
        const {{ requestsPerMinute, delays }} = await observe({fetcher}, {options}, 3, {pairs})
        return [requestsPerMinute, delays]
    """)
    return requests, delays


@pytest.mark.parametrize("interval_ms", [3000, 4000, 5000, 7000, 10_000])
def test_a_price_is_seen_sooner_and_with_fewer_requests_than_by_blind_polls(run, interval_ms):
    fetcher = f"new Fetcher({{ sinceMs: 700, intervalMs: {interval_ms} }})"
    blind_requests, blind_delays = observe(run, fetcher, BLIND)
    requests, delays = observe(run, fetcher)

    assert len(delays) >= 180_000 / interval_ms - 1
    assert statistics.mean(delays) < statistics.mean(blind_delays) / 2
    assert requests < blind_requests == 30


def test_what_the_page_knows_of_the_interval_helps_where_it_cannot_be_learnt(run):
    fetcher = "new Fetcher({ sinceMs: 700, intervalMs: 2000 })"
    requests, delays = observe(run, fetcher, "{ fetchIntervalMs: 2000 }")

    assert statistics.mean(delays) < 600
    assert requests <= 30.5


def test_fetches_of_changing_duration_are_followed(run):
    fetcher = "new Fetcher({ sinceMs: 0, intervalMs: 4000, durationMs: (number) => 80 + (number * 37) % 200 })"
    requests, delays = observe(run, fetcher)

    assert statistics.mean(delays) < 450
    assert requests < 25


def test_a_fetch_that_is_late_now_and_then_delays_no_other(run):
    fetcher = "new Fetcher({ sinceMs: 0, intervalMs: 4000, durationMs: (number) => (number % 5 ? 40 : 1500) })"
    requests, delays = observe(run, fetcher)

    assert len(delays) >= ROUNDS_IN_THREE_MINUTES - 1
    assert statistics.median(delays) < 600
    assert requests <= 30


def test_a_dead_fetcher_is_asked_after_at_the_usual_rate_and_followed_when_it_is_back_with_another_phase(run):
    fetcher = (
        """new Fetcher({ sinceMs: 0, intervalMs: 4000, untilMs: 60_000 }, { sinceMs: 121_700, intervalMs: 4000 })"""
    )
    instants, delays = run(f"""
        const {{ instants, delays }} = await observe({fetcher})
        return [instants, delays]
    """)
    dead = [instant for instant in instants if 66_000 <= instant < 120_000]
    assert {round(later - sooner) for sooner, later in pairwise(dead)} == {2000}
    assert statistics.mean(delays[-10:]) < 300


def test_a_fetcher_that_turns_to_every_second_interval_and_back_is_followed(run):
    fetcher = """new Fetcher({ sinceMs: 0, intervalMs: 4000, untilMs: 60_000 },
                             { sinceMs: 60_000, intervalMs: 8000, untilMs: 124_000 },
                             { sinceMs: 124_000, intervalMs: 4000 })"""
    delays = run(f"return (await observe({fetcher})).delays")

    assert len(delays) >= 8 + 8 + 20
    assert statistics.mean(delays[-10:]) < 400
    assert statistics.mean(delays) < 700


def test_a_fetcher_that_becomes_faster_is_noticed(run):
    fetcher = (
        """new Fetcher({ sinceMs: 0, intervalMs: 8000, untilMs: 64_000 }, { sinceMs: 64_000, intervalMs: 4000 })"""
    )
    delays = run(f"return (await observe({fetcher})).delays")

    assert len(delays) >= 4 + 34
    assert statistics.mean(delays[-20:]) < 400


@pytest.mark.parametrize("fetch_interval_ms", [2000, 2700, 4000, 9000])
@pytest.mark.parametrize("poll_interval_ms", [1000, 2000, 5000])
def test_it_never_asks_more_often_than_the_poll_interval_allows_on_average(run, fetch_interval_ms, poll_interval_ms):
    fetcher = f"""new Fetcher({{ sinceMs: 300, intervalMs: {fetch_interval_ms},
                                 durationMs: (number) => 50 + (number * 61) % 900 }})"""
    options = f"{{ pollIntervalMs: {poll_interval_ms}, fetchIntervalMs: {fetch_interval_ms} }}"
    instants = run(f"return (await observe({fetcher}, {options})).instants")

    for first in range(0, len(instants) - 1, 7):
        elapsed_ms = instants[-1] - instants[first]
        assert len(instants) - 1 - first <= elapsed_ms / poll_interval_ms + 2


def test_a_round_that_comes_in_parts_is_waited_for_until_it_is_whole(run):
    fetcher = "new Fetcher({ sinceMs: 0, intervalMs: 4000, spreadMs: 250 })"
    requests, delays = observe(run, fetcher, pairs="['A/B', 'C/D', 'E/F', 'G/H']")

    assert len(delays) >= ROUNDS_IN_THREE_MINUTES - 1
    assert statistics.mean(delays[-10:]) < 600
    assert requests < 30


def test_a_pair_that_is_not_fetched_any_more_does_not_hide_the_rounds_of_the_others(run):
    requests, delays = run("""
        const fetcher = new Fetcher({ sinceMs: 0, intervalMs: 4000 })
        const usual = fetcher.receivedAt.bind(fetcher)
        fetcher.receivedAt = (nowMs, index) => (index === 0 ? Math.min(8000, usual(nowMs)) : usual(nowMs, index))
        const { requestsPerMinute, delays } = await observe(fetcher, {}, 3, ['A/B', 'C/D'])
        return [requestsPerMinute, delays]
    """)
    assert statistics.mean(delays) < 300
    assert requests < 25


def test_polls_of_many_readers_are_spread_over_a_fifth_of_a_second(run):
    assert run("""
        const lastOf = async (random) => {
            const browser = new Surroundings()
            browser.random = () => random
            browser.supply(['A/B'], new Fetcher({ sinceMs: 700, intervalMs: 4000 }))
            new PriceCachePolling(['A/B'], { fetchIntervalMs: 4000 }, browser).start()
            await browser.advance(3000)
            await browser.advance(2500)
            return browser.last.atMs
        }
        return await lastOf(0.999) - await lastOf(0)
    """) == pytest.approx(200, abs=1)

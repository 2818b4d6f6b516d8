/** What the page says of an outage, and when it asks: a page and a server that each test plays. */

import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { FetcherFacts } from "../../market_data/static/market_data/fetcher-facts.js"

const NOW_MS = 1_700_000_000_000 // the server's clock
const UNAVAILABLE = { status: "unavailable", missingPairs: ["A/B"] }
const LIVE = { status: "polling", missingPairs: [] }

/** Facts of a page whose server gives these answers; `says` is what stands on the page, `asked` which addresses it read. */
function facts({ health = {}, pairs = {}, hasPairListing = true } = {}) {
  const seen = { says: "as it was rendered", asked: [], aliases: null, outcomes: null }
  const page = {
    showReasons: (text) => (seen.says = text),
    showAliases: (aliases) => (seen.aliases = aliases),
    noteOutcomes: (outcomes) => (seen.outcomes = outcomes),
  }
  const answers = { "/health": health, "/pairs": pairs }
  const fetch = async (url) => {
    seen.asked.push(url)
    return { json: async () => answers[url] }
  }
  const urls = { healthUrl: "/health", pairsUrl: "/pairs", hasPairListing }
  const found = new FetcherFacts(page, urls, fetch)
  const follow = async (snapshot, serverTimeMs = NOW_MS, nowMs = serverTimeMs - NOW_MS) => {
    found.follow({ ...snapshot, serverTimeMs }, nowMs)
    await new Promise((resolve) => setImmediate(resolve)) // for the answer to be read
  }
  return { seen, follow }
}

const outage = (aggregator) => ({ health: { reasons: ["The exchange does not answer."], aggregator } })

describe("An outage", () => {
  test("is told as the page came with it until there is an answer, and then with its reasons", async () => {
    const { seen, follow } = facts(outage({}))
    await follow(UNAVAILABLE)
    assert.equal(seen.says, "as it was rendered")

    await follow(UNAVAILABLE)
    assert.equal(seen.says, "The exchange does not answer.")
  })

  test("counts down to the next attempt by the server's clock", async (context) => {
    context.mock.method(Date, "now", () => assert.fail("the browser's date was asked"))
    const { seen, follow } = facts(outage({ circuitBreaker: { retryAt: NOW_MS + 60_000 } }))
    await follow(UNAVAILABLE)
    for (const [serverTimeMs, sentence] of [
      [NOW_MS, "The exchange is asked again in 60 s."],
      [NOW_MS + 20_500, "The exchange is asked again in 40 s."],
      [NOW_MS + 60_000, "The exchange is asked again now."],
    ]) {
      await follow(UNAVAILABLE, serverTimeMs)
      assert.equal(seen.says, `The exchange does not answer. ${sentence}`)
    }
  })

  test("promises the latest of several attempts", async () => {
    const aggregator = {
      circuitBreaker: { retryAt: NOW_MS + 10_000 },
      rateLimit: { retryAt: NOW_MS + 30_000 },
      exchange: { bannedUntil: null },
      backoff: { nextCycleAt: NOW_MS + 5000 },
    }
    const { seen, follow } = facts(outage(aggregator))
    await follow(UNAVAILABLE)
    await follow(UNAVAILABLE)
    assert.match(seen.says, /asked again in 30 s\.$/)
  })

  test("promises no attempt while no fetcher runs", async () => {
    const { seen, follow } = facts(outage({ lease: { isHeld: false }, backoff: { nextCycleAt: NOW_MS + 30_000 } }))
    await follow(UNAVAILABLE)
    await follow(UNAVAILABLE)
    assert.equal(seen.says, "The exchange does not answer.")
  })

  test("is told no more once it is over", async () => {
    const { seen, follow } = facts(outage({}))
    await follow(UNAVAILABLE)
    await follow(LIVE)
    assert.equal(seen.says, "")
  })
})

describe("It asks", () => {
  test("nothing while prices explain themselves, or while the server is out of reach", async () => {
    const { seen, follow } = facts()
    await follow(LIVE)
    await follow({ ...LIVE, status: "error", missingPairs: ["A/B"] })
    assert.deepEqual(seen.asked, [])
  })

  test("every 15 s while something is missing", async () => {
    const { seen, follow } = facts({ health: { pairs: { outcomes: { "A/B": "not_trading" } } } })
    for (let ms = 0; ms <= 30_000; ms += 1000) await follow({ ...LIVE, missingPairs: ["A/B"] }, NOW_MS + ms)
    assert.deepEqual(seen.asked, ["/health", "/health", "/health"])
    assert.deepEqual(seen.outcomes, { "A/B": "not_trading" })
  })

  test("sooner once the promised attempt is past", async () => {
    const { seen, follow } = facts(outage({ backoff: { nextCycleAt: NOW_MS + 1000 } }))
    await follow(UNAVAILABLE)
    await follow(UNAVAILABLE, NOW_MS + 2500)
    assert.deepEqual(seen.asked, ["/health", "/health"])
  })

  test("for the quote assets until a fetcher has told them", async () => {
    const pairs = [{ pair: "A/USD", symbol: null, quoteAsset: "USD", isQuoteAlias: false }]
    const { seen, follow } = facts({ pairs: { pairs }, hasPairListing: false })
    await follow(LIVE)
    assert.equal(seen.aliases, null)

    pairs[0] = { pair: "A/USD", symbol: "AUSDT", quoteAsset: "USDT", isQuoteAlias: true }
    await follow(LIVE, NOW_MS + 2000)
    await follow(LIVE, NOW_MS + 60_000)
    assert.deepEqual(seen.aliases, { "A/USD": "USDT" })
    assert.deepEqual(seen.asked, ["/health", "/pairs", "/health", "/pairs"])
  })
})

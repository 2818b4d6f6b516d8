/** What the page says of an outage, and when it asks: a page and a server that each test plays. */

import assert from "node:assert/strict"
import { describe, test } from "node:test"

import { FetcherFacts } from "../../market_data/static/market_data/fetcher-facts.js"

const NOW_MS = 1_700_000_000_000 // the server's clock
const UNAVAILABLE = { status: "unavailable", pairs: ["A/USD"], prices: {}, states: {}, missingPairs: ["A/USD"] }
const LIVE = liveFrom("binance")

/** A snapshot in which this exchange has given the price. */
function liveFrom(exchange) {
  const prices = { "A/USD": { pair: "A/USD", exchange } }
  return { status: "polling", pairs: ["A/USD"], prices, states: { "A/USD": "live" }, missingPairs: [] }
}

/** Facts of a page whose server gives these answers; `says` is what stands on the page, `asked` which addresses it read. */
function facts({ health = {}, pairs = {}, ...rendered } = {}) {
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
  const usual = { hasPairListing: true, hasAliases: false, priceDoubts: "" }
  const config = { healthUrl: "/health", pairsUrl: "/pairs", ...usual, ...rendered }
  const found = new FetcherFacts(page, config, LIVE.prices, fetch)
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

describe("What casts doubt on prices", () => {
  const STILL = "The prices of Kraken stand still since noon."

  test("stands as the page came with it, and is what health says from the next answer on", async () => {
    const { seen, follow } = facts({ health: { aggregator: { priceDoubts: [STILL] } }, priceDoubts: "Rendered." })
    await follow(LIVE)
    assert.equal(seen.says, "Rendered.")
    await follow(LIVE, NOW_MS + 1000)
    assert.equal(seen.says, STILL)
  })

  test("gives way to the reasons of an outage, and comes back after it", async () => {
    const { seen, follow } = facts({ health: { reasons: ["No answer."], aggregator: { priceDoubts: [STILL] } } })
    await follow(UNAVAILABLE)
    await follow(UNAVAILABLE)
    assert.equal(seen.says, "No answer.")
    await follow(LIVE)
    assert.equal(seen.says, STILL)
  })
})

describe("It asks", () => {
  test("once a minute while prices explain themselves, and never while the server is out of reach", async () => {
    const { seen, follow } = facts()
    for (let ms = 0; ms < 120_000; ms += 1000) await follow(LIVE, NOW_MS + ms)
    assert.deepEqual(seen.asked, ["/health", "/health"])

    await follow({ ...LIVE, status: "error", missingPairs: ["A/USD"] }, NOW_MS + 300_000)
    assert.equal(seen.asked.length, 2)
  })

  test("every 15 s while something is missing", async () => {
    const { seen, follow } = facts({ health: { pairs: { outcomes: { "A/USD": "not_trading" } } } })
    for (let ms = 0; ms <= 30_000; ms += 1000) await follow({ ...LIVE, missingPairs: ["A/USD"] }, NOW_MS + ms)
    assert.deepEqual(seen.asked, ["/health", "/health", "/health"])
    assert.deepEqual(seen.outcomes, { "A/USD": "not_trading" })
  })

  test("sooner once the promised attempt is past", async () => {
    const { seen, follow } = facts(outage({ backoff: { nextCycleAt: NOW_MS + 1000 } }))
    await follow(UNAVAILABLE)
    await follow(UNAVAILABLE, NOW_MS + 2500)
    assert.deepEqual(seen.asked, ["/health", "/health"])
  })

  test("for the quote assets until a fetcher has told them", async () => {
    const own = { pair: "A/USD", exchange: "binance" }
    const pairs = [{ ...own, symbol: null, quoteAsset: "USD", isQuoteAlias: false }]
    const { seen, follow } = facts({ pairs: { pairs }, hasPairListing: false })
    await follow(LIVE)
    assert.equal(seen.aliases, null)

    pairs[0] = { ...own, symbol: "AUSDT", quoteAsset: "USDT", isQuoteAlias: true }
    await follow(LIVE, NOW_MS + 2000)
    await follow(LIVE, NOW_MS + 30_000)
    assert.deepEqual(seen.aliases, { "A/USD": "priced in USDT" })
    assert.deepEqual(seen.asked, ["/health", "/pairs", "/health", "/pairs"])
  })

  test("what an alias is worth once a minute", async () => {
    const alias = { pair: "A/USD", exchange: "binance", symbol: "AUSDT", quoteAsset: "USDT", isQuoteAlias: true }
    const { seen, follow } = facts({ pairs: { pairs: [{ ...alias, aliasRate: 0.9991 }] }, hasAliases: true })
    for (let ms = 0; ms <= 60_000; ms += 1000) await follow(LIVE, NOW_MS + ms)
    assert.deepEqual(seen.asked, ["/health", "/pairs", "/health", "/pairs"])
    assert.deepEqual(seen.aliases, { "A/USD": "priced in USDT, at 0.9991 USD" })
  })

  test("for the pairs when another exchange gives a price, until the fetcher's report has it too", async () => {
    const listed = { pair: "A/USD", exchange: "binance", symbol: "A", quoteAsset: "USD", isQuoteAlias: false }
    const pairs = [listed]
    const { seen, follow } = facts({ pairs: { pairs } })
    await follow(LIVE)
    await follow(liveFrom("kraken"), NOW_MS + 2000)
    pairs[0] = { ...listed, exchange: "kraken" }
    for (let ms = 4000; ms < 60_000; ms += 1000) await follow(liveFrom("kraken"), NOW_MS + ms)

    assert.equal(seen.asked.filter((url) => url === "/pairs").length, 2)
    assert.deepEqual(seen.aliases, {})
  })

  test("nothing more for a record that does not say whose it is", async () => {
    const { seen, follow } = facts()
    for (let ms = 0; ms < 30_000; ms += 1000) await follow(liveFrom(null), NOW_MS + ms)
    assert.deepEqual(seen.asked, ["/health"])
  })
})

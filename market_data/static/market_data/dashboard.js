/**
 * The page's script: one poller and one painter for each rendered component.
 *
 * Import statements end with a semicolon, for Django finds them by it when it hashes the names of static files.
 */

import { FetcherFacts } from "./fetcher-facts.js";
import { MarketPrices } from "./market-prices.js";
import { PriceCachePolling } from "./price-cache-polling.js";
import { parsePriceRecords } from "./price-records.js";

const AGE_TICK_MS = 1000

for (const root of document.querySelectorAll("[data-market-prices]")) {
  const config = JSON.parse(root.querySelector("script[type='application/json']").textContent)
  keepCurrent(new MarketPrices(root), config)
}

function keepCurrent(page, config) {
  const polling = new PriceCachePolling(config.pairs, {
    endpoint: config.pricesUrl,
    pollIntervalMs: config.pollIntervalMs,
    staleThresholdMs: config.staleThresholdMs,
    usesConfiguredPairs: true,
    initial: renderedPrices(config),
  })
  const facts = new FetcherFacts(page, config)
  const show = () => {
    const snapshot = polling.snapshot()
    page.show(snapshot)
    facts.follow(snapshot)
  }
  polling.subscribe(show)
  polling.start()
  show()
  setInterval(() => document.hidden || show(), AGE_TICK_MS)
}

/** The prices that the page came with; their time is that of the page's request, so that no age is too low. */
function renderedPrices({ records, missing, source, serverTimeMs }) {
  const [navigation] = performance.getEntriesByType("navigation")
  const time = { serverTimeMs, requestedAtMs: navigation?.requestStart ?? 0 }
  return { records: parsePriceRecords(records), missing, source, time }
}

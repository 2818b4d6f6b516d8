/** Keeps one rendered component current: it joins the page's poller, and its view paints what is told. */

import { MarketPrices } from "./market-prices.js";
import { parsePriceRecords } from "./price-records.js";
import { sharedPolling } from "./shared-polling.js";

const AGE_TICK_MS = 1000
const PRESENCE_TICK_MS = 1000
const CALM_MS = 60_000 // what the page came with stands for so long where nothing else has to be told

/** Return what the server has written into a component for its script. */
export function configOf(root) {
  return JSON.parse(root.querySelector("script[type='application/json']").textContent)
}

/** Keep the components that the page came with current for as long as they are in it; one that returns goes on. */
export function keepRenderedCurrent(tellOf = () => undefined) {
  const [navigation] = performance.getEntriesByType("navigation")
  for (const root of document.querySelectorAll("[data-market-prices]")) {
    const config = configOf(root)
    const tell = tellOf(config)
    follow(new WeakRef(root), (found) => keepCurrent(found, config, navigation?.requestStart ?? 0, tell))
  }
}

/** Nothing here but `start` and its end knows the component, so that one that is gone for good takes no memory. */
function follow(reference, start) {
  let end = start(reference.deref())
  const timer = setInterval(() => {
    const root = reference.deref()
    if (!root) clearInterval(timer)
    else if (root.isConnected) end ??= start(root)
    else end = end?.() // nothing
  }, PRESENCE_TICK_MS)
}

/**
 * Keep `root`, rendered at the monotonic instant `requestedAtMs` or later, current; return the function that ends it.
 *
 * `tell(snapshot)` hears what is painted.
 */
export function keepCurrent(root, config, requestedAtMs, tell = () => {}) {
  const page = new MarketPrices(root, config)
  const initial = renderedPrices(config, requestedAtMs)
  const startedAtMs = performance.now()
  let facts = null
  const show = (snapshot) => {
    page.show(snapshot)
    const isCalm = performance.now() - startedAtMs < CALM_MS && isExplained(snapshot, config, initial)
    facts ??= isCalm ? null : factsFor(page, config, initial)
    facts?.then((loaded) => loaded.follow(membership.snapshot()))
    tell(snapshot)
  }
  const { pairs, pricesUrl, fetchIntervalMs, maxPairsPerRequest } = config
  const polling = sharedPolling({ endpoint: pricesUrl, fetchIntervalMs, maxPairsPerRequest })
  const membership = polling.join(pairs, { ...config, initial }, show)
  const tick = () => document.hidden || show(membership.snapshot())
  const timer = setInterval(tick, AGE_TICK_MS)
  document.addEventListener("visibilitychange", tick) // no old age is to be read until the next tick
  queueMicrotask(tick) // when the poller has started
  return () => {
    clearInterval(timer)
    document.removeEventListener("visibilitychange", tick)
    membership.leave()
    page.end()
  }
}

function isExplained({ status, missingPairs, pairs, prices }, { hasPairListing }, { records }) {
  const isFromWhereItWas = (pair) => prices[pair]?.exchange === records[pair]?.exchange
  return hasPairListing && status !== "unavailable" && missingPairs.length === 0 && pairs.every(isFromWhereItWas)
}

/** What the first paint does not need is loaded when there is something to tell. */
async function factsFor(page, config, { records }) {
  const { FetcherFacts } = await import("./fetcher-facts.js")
  return new FetcherFacts(page, config, records)
}

/** The prices that the component came with; their time is that of its request, so that no age is too low. */
function renderedPrices({ records, missing, source, serverTimeMs }, requestedAtMs) {
  return { records: parsePriceRecords(records), missing, source, time: { serverTimeMs, requestedAtMs } }
}

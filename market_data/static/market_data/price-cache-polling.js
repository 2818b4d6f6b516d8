/**
 * Keeps the prices of some pairs current by asking the price cache, for any page and any number of readers.
 *
 *     import { PriceCachePolling } from "/static/market_data/price-cache-polling.js"
 *     const polling = new PriceCachePolling(["BTC/USDT"], { pollIntervalMs: 2000, staleThresholdMs: 30000 })
 *     const unsubscribe = polling.subscribe(({ status, prices }) => console.log(status, prices))
 *     polling.start()
 *
 * One request at a time, timed for the fetcher's next prices; none while the page is hidden; further apart while the
 * server fails. It touches no DOM but the events that say whether the page is seen and the browser connected.
 */

import { PollBudget, backoffMs, untilNextPricesMs } from "./poll-timing.js";
import { PriceEndpoint, pairLists } from "./price-endpoint.js";
import { PriceState, differs } from "./price-state.js";

const DEFAULTS = {
  endpoint: "/api/market-data/prices",
  pollIntervalMs: 2000, // from the start of one poll to the start of the next, on average
  staleThresholdMs: 30_000, // an older price is stale
  requestTimeoutMs: 5000,
  maxPairsPerRequest: 200, // more are asked for in several requests, one after another
  usesConfiguredPairs: false, // the pairs are all that the server has: leave them out of the request
  fetchIntervalMs: null, // the fetcher's; where it is given, polls are timed for just after its next prices
  initial: null, // what the page brought with it: {records, missing, source, time}
}

/** What the module needs of a browser; a test may give its own. */
const BROWSER = {
  pageUrl: globalThis.location?.href,
  fetch: (...parameters) => globalThis.fetch(...parameters),
  monotonicMs: () => performance.now(),
  setTimeout: (callback, delayMs) => globalThis.setTimeout(callback, delayMs),
  clearTimeout: (timer) => globalThis.clearTimeout(timer),
  random: () => Math.random(),
  isHidden: () => globalThis.document?.hidden ?? false,
  isOnline: () => globalThis.navigator?.onLine ?? true,
  visibility: globalThis.document, // sends "visibilitychange"
  connectivity: globalThis, // sends "online" and "offline"
}

export class PriceCachePolling {
  #options
  #surroundings
  #endpoint
  #state
  #budget = new PollBudget()
  #events
  #subscriptions = new Set()
  #isRunning = false
  #request = null // the AbortController of the one request under way
  #timer = null
  #notBeforeMs = 0 // what Retry-After asked for

  constructor(pairs, options = {}, surroundings = {}) {
    this.#options = { ...DEFAULTS, ...options }
    this.#surroundings = { ...BROWSER, ...surroundings }
    const { endpoint, requestTimeoutMs, staleThresholdMs, initial } = this.#options
    this.#endpoint = new PriceEndpoint(endpoint, requestTimeoutMs, this.#surroundings)
    this.#state = new PriceState(staleThresholdMs)
    this.#events = [
      [this.#surroundings.visibility, "visibilitychange", () => this.#whenSeenOrHidden()],
      [this.#surroundings.connectivity, "online", () => this.#poll()],
      [this.#surroundings.connectivity, "offline", () => this.#poll()],
    ]
    this.setPairs(pairs, { initial })
  }

  /**
   * Ask for these pairs from now on; what is known of those that stay is kept.
   *
   * `usesConfiguredPairs` and `pollIntervalMs` replace the options of these names, `initial` is what the page knows of
   * the pairs already. Pairs of which nothing is known are asked for at once.
   */
  setPairs(pairs, { initial = null, initialPairs = pairs, ...options } = {}) {
    Object.assign(this.#options, options)
    this.#state.setPairs(pairs)
    if (initial) this.#state.takeInitial(initialPairs, initial)
    const { maxPairsPerRequest, usesConfiguredPairs } = this.#options
    const known = this.#state.pairs
    this.#endpoint.setPairLists(known.length ? pairLists(known, maxPairsPerRequest, usesConfiguredPairs) : [])
    const isUrgent = this.#state.hasUnknownPairs || this.#timer === null
    if (this.#isRunning && !this.#request && isUrgent) this.#schedule(0)
  }

  /** pair → record, last known ones included. A record's `text` has its figures in the digits that were sent. */
  get prices() {
    return this.snapshot().prices
  }

  /** `idle`, `polling` (live), `stale`, `unavailable` or `error`. */
  get status() {
    return this.snapshot().status
  }

  /** Whether the first answer is awaited. */
  get isLoading() {
    return this.snapshot().isLoading
  }

  get isStale() {
    return this.snapshot().isStale
  }

  /** The pairs whose price is too old, or only the last one known. */
  get stalePairs() {
    return this.snapshot().stalePairs
  }

  /** When the last answer with prices came, in Unix ms on the server's clock, or null. */
  get lastUpdate() {
    return this.snapshot().lastUpdate
  }

  /** When the newest of the prices was received from the exchange, in Unix ms on the server's clock, or null. */
  get lastServerUpdate() {
    return this.snapshot().lastServerUpdate
  }

  /** Why prices cannot be had, `{kind, message}`, or null; `kind` is `network`, `timeout`, `http` or `malformed`. */
  get error() {
    return this.snapshot().error
  }

  /**
   * Return all of the above as of this instant, with `pairs`, `states`, `ages` (ms), `missingPairs`, `source` and
   * `serverTimeMs`; of `pairs` alone where some are named, judged by a threshold of their own where one is given.
   */
  snapshot(pairs, staleThresholdMs) {
    return this.#state.snapshot(this.#surroundings.monotonicMs(), this.#isRunning, pairs, staleThresholdMs)
  }

  /**
   * Call `listener(snapshot)` after every poll that changed something; returns the function that ends it. `pairs` and
   * `staleThresholdMs` are those of the snapshot.
   */
  subscribe(listener, pairs, staleThresholdMs) {
    const subscription = { listener, pairs, staleThresholdMs, before: this.snapshot(pairs, staleThresholdMs) }
    this.#subscriptions.add(subscription)
    return () => this.#subscriptions.delete(subscription)
  }

  start() {
    if (this.#isRunning) return
    this.#isRunning = true
    for (const subscription of this.#subscriptions) subscription.before = this.#snapshotOf(subscription)
    for (const [target, name, listener] of this.#events) target?.addEventListener?.(name, listener)
    this.#poll()
  }

  stop() {
    if (!this.#isRunning) return
    this.#isRunning = false
    for (const [target, name, listener] of this.#events) target?.removeEventListener?.(name, listener)
    this.#unschedule()
    this.#request?.abort()
    this.#request = null
    this.#notifyOfChange()
  }

  #whenSeenOrHidden() {
    if (this.#surroundings.isHidden()) this.#unschedule()
    else this.#poll()
  }

  async #poll() {
    const startedAtMs = this.#surroundings.monotonicMs()
    if (!this.#mayAsk) return
    if (startedAtMs < this.#notBeforeMs) return this.#schedule(this.#notBeforeMs - startedAtMs)
    this.#unschedule()
    const request = new AbortController()
    this.#request = request
    this.#budget.spend(startedAtMs, this.#options.pollIntervalMs)
    const { pairs } = this.#state
    const reading = await this.#endpoint.read(request.signal)
    if (this.#request !== request) return // stopped meanwhile: a late answer never wins
    this.#request = null
    const endedAtMs = this.#surroundings.monotonicMs()
    this.#state.take(pairs, reading, { monotonicMs: endedAtMs, isOnline: this.#surroundings.isOnline() })
    this.#notBeforeMs = reading.waitMs ? endedAtMs + reading.waitMs : 0
    this.#schedule(this.#delayMs(reading.waitMs, startedAtMs, endedAtMs))
    this.#notifyOfChange()
  }

  get #mayAsk() {
    return this.#isRunning && !this.#request && !this.#surroundings.isHidden() && this.#state.pairs.length > 0
  }

  #delayMs(waitMs, startedAtMs, endedAtMs) {
    const { pollIntervalMs } = this.#options
    const { failures, hasUnknownPairs } = this.#state
    const usualMs = pollIntervalMs - (endedAtMs - startedAtMs)
    if (waitMs) return Math.max(waitMs, usualMs)
    if (failures) return backoffMs(failures, pollIntervalMs, this.#surroundings.random)
    if (hasUnknownPairs) return 0
    const timedMs = this.#timedMs(endedAtMs)
    const isAllowed = timedMs !== null && timedMs >= this.#budget.waitMs(endedAtMs, pollIntervalMs)
    return Math.max(0, isAllowed ? timedMs : usualMs)
  }

  /** Return how long to wait for the fetcher's next prices, or null where its interval or the time is not known. */
  #timedMs(nowMs) {
    const { fetchIntervalMs } = this.#options
    const serverNowMs = this.#state.serverTimeMs(nowMs)
    if (!(fetchIntervalMs > 0) || serverNowMs === null) return null
    return untilNextPricesMs(this.#state.timestamps, serverNowMs, fetchIntervalMs, this.#surroundings.random)
  }

  #schedule(delayMs) {
    this.#unschedule()
    if (this.#surroundings.isHidden()) return
    const poll = () => {
      this.#timer = null
      this.#poll()
    }
    this.#timer = this.#surroundings.setTimeout(poll, delayMs)
  }

  #unschedule() {
    this.#surroundings.clearTimeout(this.#timer)
    this.#timer = null
  }

  #snapshotOf = ({ pairs, staleThresholdMs }) => this.snapshot(pairs, staleThresholdMs)

  #notifyOfChange() {
    for (const subscription of this.#subscriptions) {
      const snapshot = this.#snapshotOf(subscription)
      if (!differs(subscription.before, snapshot)) continue
      subscription.before = snapshot
      subscription.listener(snapshot)
    }
  }
}

/** What is known of some pairs after the answers so far: prices, what is missing, what went wrong. No I/O. */

import { ServerClock, ageMs, overallStatus, pairState } from "./freshness.js";
import { isSameRecord } from "./price-records.js";

/** A single lost request says little; a second one in a row is an error. */
const FAILURES_BEFORE_ERROR = 2

export class PriceState {
  #pairs
  #staleThresholdMs
  #clock = new ServerClock()
  #records = Object.freeze({})
  #missing = new Set()
  #isUnavailable = false
  #isAnswered = false
  #failures = 0
  #error = null
  #source = null
  #lastUpdate = null

  /** `initial` is null or what a page brought with it: `{records, missing, source, time}`. */
  constructor(pairs, staleThresholdMs, initial) {
    this.#pairs = pairs
    this.#staleThresholdMs = staleThresholdMs
    if (initial) this.#takeAnswer(initial, initial.time.requestedAtMs)
  }

  /** Polls in a row that brought no price. */
  get failures() {
    return this.#failures
  }

  /** Take in one reading of the endpoint that ended at `monotonicMs`; `isOnline` is the browser's opinion. */
  take(reading, { monotonicMs, isOnline }) {
    if (!reading.error) this.#takeAnswer(reading, monotonicMs)
    else this.#takeFailure(reading, isOnline)
    const isFailure = reading.error !== null || this.#isUnavailable
    this.#failures = isFailure ? this.#failures + 1 : 0
    this.#isAnswered = true
  }

  /** Return everything as of `monotonicMs`, with the state and the age of every pair. */
  snapshot(monotonicMs, isRunning) {
    const serverNowMs = this.#clock.now(monotonicMs)
    const states = {}
    const ages = {}
    for (const pair of this.#pairs) {
      const record = this.#records[pair]
      const isMissing = this.#missing.has(pair)
      states[pair] = pairState(record, { isMissing, serverNowMs, staleThresholdMs: this.#staleThresholdMs })
      ages[pair] = record ? ageMs(record, serverNowMs) : null
    }
    const stalePairs = this.#pairs.filter((pair) => states[pair] === "stale")
    const isIdle = !isRunning || this.#pairs.length === 0
    return {
      pairs: this.#pairs,
      prices: this.#records,
      states,
      ages,
      stalePairs,
      missingPairs: this.#pairs.filter((pair) => states[pair] === "missing"),
      isStale: stalePairs.length > 0,
      isLoading: !isIdle && !this.#isAnswered,
      status: overallStatus({
        isIdle,
        hasError: this.#error !== null,
        isUnavailable: this.#isUnavailable,
        isStale: stalePairs.length > 0,
      }),
      error: this.#error,
      source: this.#source,
      lastUpdate: this.#lastUpdate,
      lastServerUpdate: newest(this.#records),
    }
  }

  #takeAnswer({ records, missing, source, time }, monotonicMs) {
    if (time) this.#clock.set(time.serverTimeMs, time.requestedAtMs)
    this.#merge(records, monotonicMs)
    this.#missing = new Set([...missing, ...this.#pairs.filter((pair) => !Object.hasOwn(records, pair))])
    this.#isUnavailable = this.#pairs.every((pair) => this.#missing.has(pair))
    this.#source = source ?? this.#source
    this.#error = null
    if (!this.#isUnavailable) this.#lastUpdate = this.#clock.now(monotonicMs)
  }

  #takeFailure({ error, source }, isOnline) {
    this.#source = source ?? this.#source
    const hasPrices = Object.keys(this.#records).length > 0
    const isCertain = error.isLasting || !isOnline || !hasPrices || this.#error !== null
    if (!isCertain && this.#failures + 1 < FAILURES_BEFORE_ERROR) return
    const message = isOnline ? error.message : "This browser is offline."
    this.#error = Object.freeze({ kind: error.kind, message })
  }

  #merge(records, monotonicMs) {
    const merged = { ...this.#records }
    let hasChanged = false
    for (const pair of this.#pairs) {
      const record = records[pair]
      if (!record || isSameRecord(record, merged[pair]) || this.#isOlder(record, merged[pair], monotonicMs)) continue
      merged[pair] = record
      hasChanged = true
    }
    if (hasChanged) this.#records = Object.freeze(merged)
  }

  /** One node may lag behind another. A held record that is stale, or of the future, holds nothing up. */
  #isOlder(record, held, monotonicMs) {
    const serverNowMs = this.#clock.now(monotonicMs)
    if (!held || record.timestamp >= held.timestamp || serverNowMs === null) return false
    return held.timestamp <= serverNowMs && ageMs(held, serverNowMs) <= this.#staleThresholdMs
  }
}

/** Return whether a listener who knows `before` learns something from `after`. */
export function differs(before, after) {
  return (
    !before ||
    before.prices !== after.prices ||
    ["status", "isLoading", "source", "error"].some((name) => before[name] !== after[name]) ||
    after.pairs.some((pair) => before.states[pair] !== after.states[pair])
  )
}

function newest(records) {
  const instants = Object.values(records).map(({ timestamp }) => timestamp)
  return instants.length ? Math.max(...instants) : null
}

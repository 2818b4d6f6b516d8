/** The last hour of each pair: what the history endpoint tells, continued with the prices that are polled. */

import { SPAN_MS } from "./sparkline.js";

export const INTERVAL_MS = 15_000 // of two points, unless the endpoint tells another
const PAIRS_PER_REQUEST = 24
const RETRY_MS = 60_000
const TIMEOUT_MS = 10_000

export class PriceSeries {
  #byPair = new Map()
  intervalMs = INTERVAL_MS

  /** Continue a pair's series with a record; a point stays the last one until the next interval begins. */
  note({ pair, timestamp, price, exchange }) {
    const series = this.#of(pair)
    const { points } = series
    const [lastAtMs] = points.at(-1) ?? [-Infinity]
    if (timestamp <= lastAtMs) return
    if (timestamp - (points.at(-2)?.[0] ?? -Infinity) < this.intervalMs) points.pop()
    points.push([timestamp, price, exchange])
    if (points[0][0] < timestamp - SPAN_MS) points.shift()
    series.revision += 1
  }

  /** Take the endpoint's points of a pair in; those that were polled after them stay. */
  fill(pair, points) {
    const series = this.#of(pair)
    const usable = points.filter(([timestamp, price]) => Number.isFinite(timestamp) && price > 0)
    const lastAtMs = usable.at(-1)?.[0] ?? -Infinity
    series.points = [...usable, ...series.points.filter(([timestamp]) => timestamp > lastAtMs)]
    series.isFilled = true
    series.revision += 1
  }

  points(pair) {
    return this.#of(pair).points
  }

  /** Return a number that changes with the pair's points. */
  revision(pair) {
    return this.#of(pair).revision
  }

  /** Return whether the endpoint may know more of a pair: it was not asked, or polling paused for a while. */
  isWanting(pair) {
    const { isFilled, points } = this.#of(pair)
    if (!isFilled) return true
    return points.length > 1 && points.at(-1)[0] - points.at(-2)[0] > 2.5 * this.intervalMs
  }

  #of(pair) {
    let series = this.#byPair.get(pair)
    if (!series) this.#byPair.set(pair, (series = { points: [], revision: 0, isFilled: false }))
    return series
  }
}

/** Asks the history endpoint for pairs; lines are worth waiting for, prices are not. */
export class PriceHistory {
  #url
  #series
  #askedAtMs = new Map()
  #isAsking = false

  /** `series` takes the answers in; without an address nothing is ever asked. */
  constructor(url, series) {
    this.#url = url
    this.#series = series
  }

  /** Ask for those of `pairs` that want it, one request at a time; return whether something came. */
  async follow(pairs, nowMs = performance.now()) {
    if (!this.#url || this.#isAsking || document.hidden) return false
    const isDue = (pair) => nowMs - (this.#askedAtMs.get(pair) ?? -Infinity) >= RETRY_MS
    const wanted = pairs.filter((pair) => isDue(pair) && this.#series.isWanting(pair)).slice(0, PAIRS_PER_REQUEST)
    if (wanted.length === 0) return false
    for (const pair of wanted) this.#askedAtMs.set(pair, nowMs)
    this.#isAsking = true
    const answer = await this.#ask(wanted)
    this.#isAsking = false
    if (!answer) return false
    this.#series.intervalMs = answer.intervalMs
    for (const pair of wanted) this.#series.fill(pair, answer.history[pair] ?? [])
    return true
  }

  async #ask(pairs) {
    try {
      const query = new URLSearchParams({ pairs: pairs.join(",") })
      const response = await fetch(`${this.#url}?${query}`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
      const answer = response.ok ? await response.json() : null
      return answer?.intervalMs > 0 && answer.history ? answer : null
    } catch {
      return null // a page without lines is still a page of prices; it is asked again later
    }
  }
}

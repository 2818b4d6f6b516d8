/** Asks the history endpoint for the pairs that are on the screen; sparklines are worth waiting for, prices are not. */

const PAIRS_PER_REQUEST = 24
const RETRY_MS = 60_000
const TIMEOUT_MS = 10_000

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

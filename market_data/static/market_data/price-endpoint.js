/** One reading of the price endpoint: its requests, one after another, and what their answers mean. */

import { retryAfterMs } from "./poll-timing.js";
import { parsePriceRecords } from "./price-records.js";

const MISSING_HEADER = "X-Market-Data-Missing"
const TIME_HEADER = "X-Market-Data-Time"
const SOURCE_HEADER = "X-Market-Data-Source"

/**
 * Why a reading failed. `kind` is `network`, `timeout`, `http` or `malformed`; `isLasting` where asking again at once
 * would change nothing.
 */
export class PriceRequestError extends Error {
  constructor(kind, message, { isLasting = false, waitMs = null } = {}) {
    super(message)
    this.name = "PriceRequestError"
    this.kind = kind
    this.isLasting = isLasting
    this.waitMs = waitMs
  }
}

export class PriceEndpoint {
  #endpoint
  #urls = []
  #surroundings
  #requestTimeoutMs
  #answers = new Map()
  #isOwnHost // another host would have to be asked twice for a request with If-None-Match

  /** `surroundings` gives `pageUrl`, `fetch`, `monotonicMs`, `setTimeout` and `clearTimeout`. */
  constructor(endpoint, requestTimeoutMs, surroundings) {
    this.#endpoint = endpoint
    const { pageUrl } = surroundings
    this.#isOwnHost = new URL(endpoint, pageUrl).origin === new URL(pageUrl).origin
    this.#requestTimeoutMs = requestTimeoutMs
    this.#surroundings = surroundings
  }

  /** Ask for these lists of pairs from now on, a request each; null in place of a list means all configured pairs. */
  setPairLists(lists) {
    this.#urls = lists.map((pairs) => (pairs ? `${this.#endpoint}?pairs=${encodePairs(pairs)}` : this.#endpoint))
    for (const url of this.#answers.keys()) if (!this.#urls.includes(url)) this.#answers.delete(url)
  }

  /**
   * Return `{records, missing, time, source, waitMs, error}`: what was learned until the end or the first error.
   * `time` is `{serverTimeMs, requestedAtMs}` or null. Never rejects, except on a fault of this program.
   */
  async read(signal) {
    const reading = { records: {}, missing: [], time: null, source: null, waitMs: null, error: null }
    for (const url of this.#urls) {
      try {
        const answer = await this.#request(url, signal)
        Object.assign(reading.records, answer.records)
        reading.missing.push(...answer.missing)
        reading.time = answer.time ?? reading.time
        reading.source = answer.source ?? reading.source
        reading.waitMs = Math.max(reading.waitMs, answer.waitMs) || null
      } catch (error) {
        if (!(error instanceof PriceRequestError)) throw error
        return { ...reading, error, waitMs: error.waitMs }
      }
    }
    return reading
  }

  async #request(url, signal) {
    const { monotonicMs, setTimeout, clearTimeout } = this.#surroundings
    const controller = new AbortController()
    const abort = () => controller.abort()
    signal.addEventListener("abort", abort)
    let timer
    const timeout = new Promise((_, reject) => {
      timer = setTimeout(() => {
        reject(new PriceRequestError("timeout", "The price server does not answer in time."))
        controller.abort()
      }, this.#requestTimeoutMs)
    })
    try {
      return await Promise.race([this.#exchange(url, controller.signal, monotonicMs()), timeout])
    } finally {
      clearTimeout(timer)
      signal.removeEventListener("abort", abort)
    }
  }

  async #exchange(url, signal, requestedAtMs) {
    const held = this.#answers.get(url)
    let response, text
    try {
      response = await this.#surroundings.fetch(url, {
        headers: { Accept: "application/json", ...(held && { "If-None-Match": held.etag }) },
        cache: "no-store", // the browser's own store would answer for a server that is gone
        signal,
      })
      text = response.status === 304 ? "" : await response.text()
    } catch {
      throw new PriceRequestError("network", "The price server cannot be reached.")
    }
    const content = this.#content(held, url, response, text)
    return {
      ...content,
      time: readTime(response.headers, requestedAtMs),
      source: response.headers.get(SOURCE_HEADER),
      waitMs: retryAfterMs(response.headers),
    }
  }

  #content(held, url, { status, headers }, text) {
    if (status === 304 && held) return held.content
    if (status === 503) return { records: {}, missing: [] }
    if (status !== 200 && status !== 206) throw httpError(status, headers, text)
    const content = { records: readRecords(text), missing: readMissing(headers) }
    const etag = headers.get("ETag")
    if (etag && this.#isOwnHost) this.#answers.set(url, { etag, content })
    else this.#answers.delete(url)
    return content
  }
}

/** Return lists of at most `size` pairs; one list that says "all configured pairs" where they are wanted. */
export function pairLists(pairs, size, usesConfiguredPairs) {
  if (usesConfiguredPairs) return [null]
  const lists = []
  for (let start = 0; start < pairs.length; start += size) lists.push(pairs.slice(start, start + size))
  return lists
}

function encodePairs(pairs) {
  return pairs.map((pair) => pair.split("/").map(encodeURIComponent).join("/")).join(",")
}

function readRecords(text) {
  try {
    return parsePriceRecords(text)
  } catch {
    throw new PriceRequestError("malformed", "The price server's answer cannot be read.")
  }
}

function readMissing(headers) {
  const text = headers.get(MISSING_HEADER) ?? ""
  return text.split(",").map((name) => decode(name.trim())).filter(Boolean)
}

function decode(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function readTime(headers, requestedAtMs) {
  const serverTimeMs = Number(headers.get(TIME_HEADER) ?? NaN)
  const heldSeconds = Number(headers.get("Age") ?? 0) || 0
  return serverTimeMs > 0 ? { serverTimeMs: serverTimeMs + heldSeconds * 1000, requestedAtMs } : null
}

function httpError(status, headers, text) {
  const reason = /"message"\s*:\s*"((?:[^"\\]|\\.)*)"/.exec(text)?.[1]
  const message = `The price server answered with status ${status}${reason ? `: ${reason}` : "."}`
  return new PriceRequestError("http", message, {
    isLasting: status >= 400 && status < 500,
    waitMs: retryAfterMs(headers),
  })
}

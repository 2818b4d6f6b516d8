/**
 * `<market-prices pairs="BTC/USDT,ETH/USDT" api="https://prices.example.org" poll-interval-ms="2000">`
 *
 * Its content is rendered by the server, by the template that the dashboard has, and lies in the page's own DOM, so that
 * the page's stylesheets apply. `pairs` left out means all configured pairs; `api` is the address below which the server
 * has the app, left out the host of this script; `poll-interval-ms` left out the server's own. Changes are followed.
 */

import { configOf, keepCurrent } from "./live-component.js";
import { backoffMs } from "./poll-timing.js";

const RETRY_MS = 2000
const REQUEST_TIMEOUT_MS = 10_000
const MIN_POLL_INTERVAL_MS = 500

/** The page has asked for something that the server refuses; the message says what to write instead. */
class RefusedError extends Error {}

export class MarketPricesElement extends HTMLElement {
  static observedAttributes = ["pairs", "api", "poll-interval-ms"]

  #end = null // of the component that is shown
  #loading = null // the AbortController of the fragment under way
  #retry = null
  #failures = 0
  #isChanging = false

  connectedCallback() {
    this.#change()
  }

  disconnectedCallback() {
    this.#abandon()
    this.#end?.()
    this.#end = null
  }

  attributeChangedCallback(name, before, after) {
    if (before !== after) this.#change()
  }

  /** Several attributes that change at once cost one request. */
  #change() {
    if (this.#isChanging) return
    this.#isChanging = true
    queueMicrotask(() => {
      this.#isChanging = false
      this.#failures = 0
      if (this.isConnected) this.#load()
    })
  }

  #abandon() {
    clearTimeout(this.#retry)
    this.#loading?.abort()
    this.#loading = null
  }

  async #load() {
    this.#abandon()
    const loading = new AbortController()
    this.#loading = loading
    try {
      const pollIntervalMs = this.#pollIntervalMs()
      const requestedAtMs = performance.now()
      const { root, url } = await this.#fragment(loading.signal)
      if (this.#loading === loading) this.#replace(root, url, pollIntervalMs, requestedAtMs)
    } catch (error) {
      if (this.#loading === loading) this.#fail(error)
    }
  }

  /** Return the component as the server renders it, and the address that it came from. */
  async #fragment(signal) {
    const url = this.#url()
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS)
    const response = await fetch(url, { cache: "no-store", signal: AbortSignal.any([signal, timeout]) })
    const text = await response.text()
    if (response.status >= 400 && response.status < 500) throw new RefusedError(refusal(response.status, text))
    const root = response.ok && new DOMParser().parseFromString(text, "text/html").querySelector("[data-market-prices]")
    if (!root) throw new TypeError(`The price server answered with status ${response.status}.`)
    return { root: document.adoptNode(root), url }
  }

  #replace(root, url, pollIntervalMs, requestedAtMs) {
    const config = { ...configOf(root) }
    for (const name of ["pricesUrl", "healthUrl", "pairsUrl", "historyUrl"]) {
      if (config[name]) config[name] = new URL(config[name], url).href
    }
    if (pollIntervalMs) config.pollIntervalMs = pollIntervalMs
    this.#end?.()
    this.replaceChildren(root)
    this.#failures = 0
    if (config.problem) console.warn(`<market-prices>: ${config.problem}`)
    this.#end = keepCurrent(root, config, requestedAtMs)
  }

  /** What the page asks for wrongly is said and not tried again; a server out of reach is, ever more rarely. */
  #fail(error) {
    this.#failures += 1
    const isRefused = error instanceof RefusedError
    if (isRefused) console.error(`<market-prices>: ${error.message}`)
    if (isRefused || !this.#end) this.#say(isRefused ? error.message : "The price server cannot be reached. Trying again.")
    if (!isRefused) this.#retry = setTimeout(() => this.#load(), backoffMs(this.#failures, RETRY_MS, Math.random))
  }

  #say(message) {
    this.#end?.()
    this.#end = null
    const paragraph = document.createElement("p")
    paragraph.className = "market-prices__problem"
    paragraph.setAttribute("role", "note")
    paragraph.textContent = message
    this.replaceChildren(paragraph)
  }

  #url() {
    const api = this.getAttribute("api") ?? new URL("/", import.meta.url).href
    const base = URL.parse(api.endsWith("/") ? api : `${api}/`, document.baseURI)
    if (!base) throw new RefusedError(`api="${api}" is no address; write for example api="https://prices.example.org".`)
    const url = new URL("market-data/embed", base)
    if (this.hasAttribute("pairs")) url.searchParams.set("pairs", this.getAttribute("pairs"))
    return url
  }

  #pollIntervalMs() {
    const text = this.getAttribute("poll-interval-ms")
    if (text === null) return null
    if (/^\d+$/.test(text) && Number(text) >= MIN_POLL_INTERVAL_MS) return Number(text)
    throw new RefusedError(
      `poll-interval-ms="${text}" is no whole number of ${MIN_POLL_INTERVAL_MS} or more; write for example 2000.`,
    )
  }
}

function refusal(status, text) {
  try {
    return JSON.parse(text).message
  } catch {
    return `The price server answered with status ${status}; the attribute api has to name where the app is served.`
  }
}

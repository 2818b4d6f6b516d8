/**
 * What the API tells besides prices: why some are missing or to be doubted, when they are tried next, what another
 * quote asset prices and what that is worth.
 */

const COUNTDOWN_SECONDS = 90
const CALM_INTERVAL_MS = 60_000
const INTERVAL_MS = 15_000
const SHORT_INTERVAL_MS = 2000 // a price is not to stand without its quote asset for long, nor an attempt without result

/** Asks once a minute, and more often while the page shows something that prices alone do not explain. */
export class FetcherFacts {
  #page
  #urls
  #fetch
  #listed = null // pair → exchange, as the list of pairs has it whose aliases are shown
  #hasAliases
  #doubts
  #askedAtMs = -Infinity
  #isAsking = false
  #reasons = null // of the outage that is going on, in words
  #attemptAt = null

  /**
   * `page` paints the facts; `hasPairListing` says that it was rendered with the fetcher's list of pairs, `records`
   * what prices it came with.
   */
  constructor(
    page,
    { healthUrl, pairsUrl, hasPairListing, hasAliases, priceDoubts },
    records,
    fetch = (...parameters) => globalThis.fetch(...parameters),
  ) {
    this.#page = page
    this.#fetch = fetch
    this.#urls = { healthUrl, pairsUrl }
    if (hasPairListing) this.#listed = exchangesOf(Object.values(records))
    this.#hasAliases = hasAliases
    this.#doubts = priceDoubts
  }

  /** Look at a snapshot of the poller: say what is known of an outage, and ask if it is time to. */
  follow({ status, pairs, prices, states, missingPairs, serverTimeMs }, nowMs = performance.now()) {
    const isUnavailable = status === "unavailable"
    this.#say(isUnavailable, serverTimeMs)
    const isListed = (pair) => states[pair] !== "live" || [null, this.#listed[pair]].includes(prices[pair].exchange)
    const isOutdated = this.#listed === null || !pairs.every(isListed)
    const isAnswering = status !== "error" && status !== "idle"
    const isSoon = isUnavailable ? this.#attemptAt !== null && this.#attemptAt < serverTimeMs : isOutdated
    const isCalm = !isUnavailable && missingPairs.length === 0
    const intervalMs = isSoon ? SHORT_INTERVAL_MS : isCalm ? CALM_INTERVAL_MS : INTERVAL_MS
    if (!isAnswering || this.#isAsking || nowMs - this.#askedAtMs < intervalMs) return
    this.#askedAtMs = nowMs
    this.#isAsking = true
    this.#ask(isUnavailable, isOutdated || this.#hasAliases).finally(() => (this.#isAsking = false))
  }

  /** The reasons that the page came with stand until there is an answer. */
  #say(isUnavailable, serverTimeMs) {
    if (!isUnavailable) {
      this.#reasons = null
      this.#page.showReasons(this.#doubts)
    } else if (this.#reasons !== null) {
      this.#page.showReasons(`${this.#reasons} ${attemptSentence(this.#attemptAt, serverTimeMs)}`.trim())
    }
  }

  async #ask(isUnavailable, wantsPairs) {
    const [health, listing] = await Promise.all([
      readJson(this.#fetch, this.#urls.healthUrl),
      wantsPairs ? readJson(this.#fetch, this.#urls.pairsUrl) : null,
    ])
    if (health?.pairs?.outcomes) this.#page.noteOutcomes(health.pairs.outcomes)
    if (isUnavailable && Array.isArray(health?.reasons)) {
      this.#reasons = health.reasons.join(" ")
      this.#attemptAt = nextAttemptAt(health.aggregator)
    }
    const doubts = health?.aggregator?.priceDoubts
    if (Array.isArray(doubts)) this.#doubts = doubts.join(" ")
    if (Array.isArray(listing?.pairs)) this.#takeListing(listing.pairs)
  }

  #takeListing(pairs) {
    if (pairs.every(({ symbol }) => symbol === null)) return // no fetcher has told
    const aliases = pairs.filter(({ isQuoteAlias }) => isQuoteAlias)
    this.#listed = exchangesOf(pairs)
    this.#hasAliases = aliases.length > 0
    this.#page.showAliases(Object.fromEntries(aliases.map((row) => [row.pair, aliasText(row)])))
  }
}

function exchangesOf(rows) {
  return Object.fromEntries(rows.map(({ pair, exchange }) => [pair, exchange]))
}

function aliasText({ pair, quoteAsset, aliasRate }) {
  return `priced in ${quoteAsset}${aliasRate ? `, at ${aliasRate} ${pair.split("/")[1]}` : ""}`
}

const underWay = new Map() // address → answer: components that ask at the same time share it

function readJson(fetch, url) {
  if (!underWay.has(url)) underWay.set(url, fetchJson(fetch, url).finally(() => underWay.delete(url)))
  return underWay.get(url)
}

async function fetchJson(fetch, url) {
  try {
    const response = await fetch(url, { cache: "no-store" })
    return await response.json()
  } catch {
    return null
  }
}

/**
 * Return the instant (Unix ms on the server's clock) before which the exchange is not asked, or null where nobody will
 * ask or nothing is known: of several reasons to wait the longest counts.
 */
function nextAttemptAt({ circuitBreaker, rateLimit, exchange, backoff, lease } = {}) {
  if (lease?.isHeld === false) return null
  const instants = [circuitBreaker?.retryAt, rateLimit?.retryAt, exchange?.bannedUntil, backoff?.nextCycleAt]
  const known = instants.filter(Number.isFinite)
  return known.length ? Math.max(...known) : null
}

/** Return a sentence about `attemptAt`, seen at `serverNowMs`: a countdown, or for longer waits a local time. */
function attemptSentence(attemptAt, serverNowMs) {
  if (attemptAt === null || serverNowMs === null) return ""
  const seconds = Math.ceil((attemptAt - serverNowMs) / 1000)
  if (seconds <= 0) return "The exchange is asked again now."
  if (seconds <= COUNTDOWN_SECONDS) return `The exchange is asked again in ${seconds} s.`
  const isToday = seconds < 43_200
  const time = new Date(attemptAt).toLocaleString(undefined, {
    dateStyle: isToday ? undefined : "medium",
    timeStyle: "medium",
  })
  return `The exchange is asked again at ${time}.`
}

/** What the API tells besides prices: why some are missing, and which pairs another quote asset prices. */

const INTERVAL_MS = 15_000
const LISTING_INTERVAL_MS = 2000 // a price is not to stand without its quote asset for long

/** Asks at a slow rate, and only while the page shows something that prices alone do not explain. */
export class FetcherFacts {
  #page
  #urls
  #hasPairListing
  #askedAtMs = -Infinity
  #isAsking = false

  /** `page` paints the facts; `hasPairListing` says that it was rendered with the fetcher's list of pairs. */
  constructor(page, { healthUrl, pairsUrl, hasPairListing }) {
    this.#page = page
    this.#urls = { healthUrl, pairsUrl }
    this.#hasPairListing = hasPairListing
  }

  /** Look at a snapshot of the poller and ask if it is time to. */
  follow({ status, missingPairs }, nowMs = performance.now()) {
    const isUnavailable = status === "unavailable"
    if (!isUnavailable) this.#page.showReasons("")
    const isExplained = !isUnavailable && missingPairs.length === 0 && this.#hasPairListing
    const isAnswering = status !== "error" && status !== "idle"
    const intervalMs = this.#hasPairListing || isUnavailable ? INTERVAL_MS : LISTING_INTERVAL_MS
    if (isExplained || !isAnswering || this.#isAsking || nowMs - this.#askedAtMs < intervalMs) return
    this.#askedAtMs = nowMs
    this.#isAsking = true
    this.#ask(isUnavailable).finally(() => (this.#isAsking = false))
  }

  async #ask(isUnavailable) {
    const [health, aliases] = await Promise.all([
      readJson(this.#urls.healthUrl),
      this.#hasPairListing ? null : readJson(this.#urls.pairsUrl).then(quoteAliases),
    ])
    if (health?.pairs?.outcomes) this.#page.noteOutcomes(health.pairs.outcomes)
    if (isUnavailable && Array.isArray(health?.reasons)) this.#page.showReasons(health.reasons.join(" "))
    if (!aliases) return
    this.#hasPairListing = true
    this.#page.showAliases(aliases)
  }
}

/** Return pair → quote asset of the pairs priced in an alias, or null while no fetcher has told. */
function quoteAliases(listing) {
  if (!Array.isArray(listing?.pairs) || listing.pairs.every(({ symbol }) => symbol === null)) return null
  const aliases = listing.pairs.filter(({ isQuoteAlias }) => isQuoteAlias)
  return Object.fromEntries(aliases.map(({ pair, quoteAsset }) => [pair, quoteAsset]))
}

async function readJson(url) {
  try {
    const response = await fetch(url, { cache: "no-store" })
    return await response.json()
  } catch {
    return null
  }
}

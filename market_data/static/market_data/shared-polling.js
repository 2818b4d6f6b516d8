/** One poller for all components of a page that read the same server: one request a round for all of their pairs. */

import { PriceCachePolling } from "./price-cache-polling.js";

const pollers = new Map() // endpoint → SharedPolling

/** Return the page's poller of an endpoint; the first to ask gives its options. */
export function sharedPolling(options) {
  const endpoint = new URL(options.endpoint, document.baseURI).href
  if (!pollers.has(endpoint)) pollers.set(endpoint, new SharedPolling({ ...options, endpoint }))
  return pollers.get(endpoint)
}

export class SharedPolling {
  #polling
  #members = new Set()
  #isStarting = false

  /** Both parameters are those of `PriceCachePolling`. */
  constructor(options, surroundings) {
    this.#polling = new PriceCachePolling([], options, surroundings)
  }

  /**
   * Call `listener(snapshot)` whenever something has changed about `pairs`, until the membership that is returned ends:
   * `{snapshot(), leave()}`.
   *
   * `usesConfiguredPairs` says that these are all pairs of the server. Of several poll intervals the shortest counts.
   */
  join(pairs, { staleThresholdMs, pollIntervalMs, usesConfiguredPairs = false, initial = null }, listener) {
    const member = { pairs: Object.freeze([...new Set(pairs)]), pollIntervalMs, usesConfiguredPairs }
    this.#members.add(member)
    this.#ask({ initial, initialPairs: member.pairs })
    const unsubscribe = this.#polling.subscribe(listener, member.pairs, staleThresholdMs)
    return {
      snapshot: () => this.#polling.snapshot(member.pairs, staleThresholdMs),
      leave: () => {
        unsubscribe()
        if (this.#members.delete(member)) this.#ask()
      },
    }
  }

  /** Components that come in the same turn of the page are asked for in one request. */
  #ask(initial) {
    const members = [...this.#members]
    this.#polling.setPairs(
      members.flatMap(({ pairs }) => pairs),
      {
        usesConfiguredPairs: members.some(({ usesConfiguredPairs }) => usesConfiguredPairs),
        pollIntervalMs: Math.min(...members.map(({ pollIntervalMs }) => pollIntervalMs)),
        ...initial,
      },
    )
    if (this.#isStarting) return
    this.#isStarting = true
    queueMicrotask(() => {
      this.#isStarting = false
      if (this.#members.size) this.#polling.start()
      else this.#polling.stop()
    })
  }
}

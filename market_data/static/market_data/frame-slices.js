/** Spreads work over frames, so that none of them keeps the page from answering its reader. */

const BUDGET_MS = 2 // of script; the style, layout and paint that follow from it come on top
const MOST_AT_ONCE = 9 // by weight, for these cost more than the script

export class FrameSlices {
  #frame = null
  #items = []
  #next = 0
  #work = null

  /** Do `work(item)` for each item, in this order, over as many frames as it takes; what was left over is dropped. */
  start(items, work) {
    this.#items = items
    this.#next = 0
    this.#work = work
    if (this.#frame === null) this.run()
  }

  run() {
    const endsAtMs = performance.now() + BUDGET_MS
    let weight = 0
    while (this.#next < this.#items.length && weight < MOST_AT_ONCE && performance.now() < endsAtMs) {
      const item = this.#items[this.#next++]
      weight += item.weight
      this.#work(item)
    }
    const isDone = this.#next === this.#items.length
    this.#frame = isDone ? null : requestAnimationFrame(() => this.run())
  }
}

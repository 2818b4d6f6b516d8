/** Spreads work over frames, so that none of them keeps the page from answering its reader. */

const BUDGET_MS = 2 // of script; the style, layout and paint that follow from it come on top
const MOST_AT_ONCE = 3 // for these cost more than the script

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
    const end = Math.min(this.#items.length, this.#next + MOST_AT_ONCE)
    while (this.#next < end && performance.now() < endsAtMs) this.#work(this.#items[this.#next++])
    const isDone = this.#next === this.#items.length
    this.#frame = isDone ? null : requestAnimationFrame(() => this.run())
  }
}

/** What a reader chose of the list: words to search, an order, cards or table. Read from addresses and stores. Pure. */

export const NO_CHOICE = Object.freeze({ search: "", sort: null, view: "cards" })
const VIEWS = ["cards", "table"]
const MAX_SEARCH_LENGTH = 40
const FIRST_IS_ASCENDING = { name: true, price: false, change: false, volume: false }

const SORT_VALUES = {
  price: (record) => record?.price,
  change: (record) => record?.change24h,
  volume: (record) => record?.volume,
}

/** Return the choice in a query string; what says nothing or nonsense is left out. */
export function readChoice(query) {
  const parameters = new URLSearchParams(query)
  const choice = { search: parameters.get("q"), sort: readSort(parameters.get("sort")), view: parameters.get("view") }
  return usable(choice)
}

/** Return what of a stored or read choice can be used. */
export function usable(choice) {
  const found = {}
  if (typeof choice?.search === "string") found.search = choice.search.slice(0, MAX_SEARCH_LENGTH)
  if (choice?.sort && Object.hasOwn(FIRST_IS_ASCENDING, choice.sort.by)) {
    found.sort = { by: choice.sort.by, isAscending: choice.sort.isAscending === true }
  }
  if (VIEWS.includes(choice?.view)) found.view = choice.view
  return found
}

/** Return `query` with this choice in it and everything else as it was. */
export function writeChoice(query, { search, sort, view }) {
  const parameters = new URLSearchParams(query)
  const values = { q: search, sort: sort && `${sort.isAscending ? "" : "-"}${sort.by}`, view: view === "table" && view }
  for (const [name, value] of Object.entries(values)) {
    if (value) parameters.set(name, value)
    else parameters.delete(name)
  }
  const text = parameters.toString().replaceAll("%2F", "/")
  return text && `?${text}`
}

/** Return the order after a press on a column: its natural direction, then the other one, then none. */
export function nextSort(sort, by) {
  const isAscending = FIRST_IS_ASCENDING[by]
  if (sort?.by !== by) return { by, isAscending }
  return sort.isAscending === isAscending ? { by, isAscending: !isAscending } : null
}

/** Return whether a pair is found by `search`; case, slashes and spaces do not count. */
export function isFound(pair, search) {
  return bare(pair).includes(bare(search))
}

/** Return `cards` ({pair, record}) in the chosen order: favourites first, what has no figure last. */
export function inOrder(cards, { sort }, favourites) {
  const sign = sort?.isAscending ? 1 : -1
  const valueOf = SORT_VALUES[sort?.by]
  const compare = (one, other) => {
    const favourite = favourites.has(other.pair) - favourites.has(one.pair)
    if (favourite || !sort) return favourite
    if (!valueOf) return sign * one.pair.localeCompare(other.pair)
    const [first, second] = [valueOf(one.record) ?? NaN, valueOf(other.record) ?? NaN]
    if (Number.isNaN(first) || Number.isNaN(second)) return Number.isNaN(first) - Number.isNaN(second)
    return sign * (first - second)
  }
  return [...cards].sort(compare)
}

function readSort(text) {
  const match = /^(-?)(\w+)$/.exec(text ?? "")
  return match && { by: match[2], isAscending: !match[1] }
}

function bare(text) {
  return text.toUpperCase().replace(/[/\s-]/g, "")
}

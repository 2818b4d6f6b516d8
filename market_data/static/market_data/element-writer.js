/** Writes to elements, and only what is not written there already. */

const written = new WeakMap() // element → name → what stands there

export function writeText(element, text) {
  if (element && isNews(element, "", text, () => element.textContent)) setText(element, text)
}

export function writeAttribute(element, name, value) {
  if (element && isNews(element, name, value, () => element.getAttribute(name))) element.setAttribute(name, value)
}

export function writeHidden(element, isHidden) {
  if (element && isNews(element, "hidden", isHidden, () => element.hidden)) element.hidden = isHidden
}

/** A text node that stays is cheaper than one that is replaced. */
function setText(element, text) {
  if (element.firstChild?.nodeType === Node.TEXT_NODE && !element.firstChild.nextSibling) element.firstChild.data = text
  else element.textContent = text
}

function isNews(element, name, value, read) {
  let known = written.get(element)
  if (!known) written.set(element, (known = new Map()))
  const before = known.has(name) ? known.get(name) : read()
  known.set(name, value)
  return before !== value
}

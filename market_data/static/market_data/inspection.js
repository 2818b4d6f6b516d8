// Keeps the admin's inspection page fresh: asks for the content of the same page, and paints what has changed.

const TIMEOUT_MS = 10000

/** Return the content in an answer, or throw an Error with a sentence for people. */
async function readContent(url) {
  const response = await fetch(url, {
    headers: { Accept: "text/html" }, credentials: "same-origin", signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (response.redirected || response.status === 403) throw new Error("You are signed out, or may not view this page any more.")
  if (!response.ok) throw new Error(`The server answered ${response.status}.`)
  // Parsed apart, so that nothing in it runs or loads; the server has escaped every text.
  return new DOMParser().parseFromString(await response.text(), "text/html").body
}

/** The children that matter: the blanks around the content are those of the page's frame. */
const childrenOf = (node) => [...node.childNodes].filter((child) => child.nodeType !== Node.TEXT_NODE || child.data.trim())

/** Make the children of `old` equal to those of `fresh`, and leave alone what is equal already. */
function adoptChildren(old, fresh) {
  const [before, after] = [childrenOf(old), childrenOf(fresh)]
  if (before.length !== after.length) old.replaceChildren(...after)
  else before.forEach((node, index) => adopt(node, after[index]))
}

function adopt(old, fresh) {
  if (old.isEqualNode(fresh)) return
  if (old.nodeType !== Node.ELEMENT_NODE || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh)
    return
  }
  for (const name of old.getAttributeNames()) if (!fresh.hasAttribute(name)) old.removeAttribute(name)
  for (const name of fresh.getAttributeNames()) old.setAttribute(name, fresh.getAttribute(name))
  adoptChildren(old, fresh)
}

function keepFresh(root) {
  const content = root.querySelector("[data-inspection-content]")
  const status = root.querySelector("[data-refresh-status]")
  const intervalMs = Number(root.dataset.refreshMs)
  const url = new URL(location.href)
  url.searchParams.set("fragment", "")
  let timer = null
  let isUnderWay = false

  async function refresh() {
    if (isUnderWay) return
    isUnderWay = true
    try {
      adoptChildren(content, await readContent(url))
      status.textContent = `This page refreshes itself every ${intervalMs / 1000} seconds.`
    } catch (error) {
      const reason = error.name === "Error" ? error.message : "The server did not answer."
      status.textContent = `Not refreshed, so these figures are old: ${reason}`
    }
    isUnderWay = false
    if (!document.hidden) timer = setTimeout(refresh, intervalMs)
  }

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer)
    if (!document.hidden) refresh()
  })
  timer = setTimeout(refresh, intervalMs)
}

document.querySelectorAll("[data-inspection]").forEach(keepFresh)

/** Finds links in a user's text. Only http and https become links: `javascript:` and the like stay text. C19. */

export interface Part {
  readonly text: string
  /** Where it leads, when it is a link. */
  readonly href?: string
}

const LINK = /\bhttps?:\/\/[^\s<>"'`]+/giu
/** What ends a sentence rather than an address. */
const TRAILING = /[.,;:!?)\]}*_~'"’”“»]+$/u

export function toParts(text: string): Part[] {
  const parts: Part[] = []
  let end = 0
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const address = trim(found)
    const href = hrefOf(address)
    if (href === undefined) continue
    if (index > end) parts.push({ text: text.slice(end, index) })
    parts.push({ text: address, href })
    end = index + address.length
  }
  if (end < text.length) parts.push({ text: text.slice(end) })
  return parts
}

/** A closing bracket belongs to the address when it was opened there. */
function trim(found: string): string {
  const address = found.replace(TRAILING, '')
  const rest = found.slice(address.length)
  return rest.startsWith(')') && address.includes('(') ? `${address})` : address
}

function hrefOf(address: string): string | undefined {
  try {
    const { protocol, href } = new URL(address)
    return protocol === 'http:' || protocol === 'https:' ? href : undefined
  } catch {
    return undefined
  }
}

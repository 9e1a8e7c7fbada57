import { MAX_JSON_DEPTH } from './limits.ts'

/** Nesting of at most {@link MAX_JSON_DEPTH}, read off the text so that nothing deep is ever built. R4. */
export function isTooDeep(text: string): boolean {
  if (text.length <= MAX_JSON_DEPTH * 2) return false // too short to be that deep and closed
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i)
    if (inString) {
      if (char === 0x5c) i++
      else if (char === 0x22) inString = false
    } else if (char === 0x22) inString = true
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) return true
    } else if (char === 0x7d || char === 0x5d) depth--
  }
  return false
}

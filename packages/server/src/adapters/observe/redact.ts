/** Prepares values for logs: removes secrets and limits the size. B38. */
import { isBytes } from '@roomful/protocol'

const SECRET_NAME = /token|password|passwd|secret|authorization|cookie|ticket|credential|api[-_]?key|jwt/i
/** Signed tokens anywhere in a text, and secrets in a URL. */
const SECRET_TEXT = /\beyJ[\w-]*\.[\w-]*\.[\w-]*|\b(?:bearer\s+|(?:token|ticket|password|secret|key)=)[^\s&"']+/gi
const REDACTED = '[redacted]'

const DEPTH_MAX = 5
const ENTRIES_MAX = 20
const TEXT_MAX_LENGTH = 200
/** Maximum size of a value; the rest is left out. */
const BUDGET = 2_000

/** @returns a copy for the log: secrets removed, long texts and lists shortened, bytes as their number */
export function forLog(value: unknown): unknown {
  return copy(value, { left: BUDGET }, 0)
}

/** @returns `text` without what looks like a secret, cut to `maxLength` characters */
export function textForLog(text: string, maxLength: number = TEXT_MAX_LENGTH): string {
  const shown = text.slice(0, maxLength * 2).replace(SECRET_TEXT, REDACTED)
  return shown.length <= maxLength ? shown : `${shown.slice(0, maxLength)}… (${text.length} characters)`
}

function copy(value: unknown, budget: { left: number }, depth: number): unknown {
  budget.left -= 8
  if (budget.left <= 0) return '…'
  switch (typeof value) {
    case 'string': {
      const text = textForLog(value, Math.min(TEXT_MAX_LENGTH, Math.max(16, budget.left)))
      budget.left -= text.length
      return text
    }
    case 'number':
    case 'boolean':
      return value
    case 'object':
      if (value === null) return null
      return depth >= DEPTH_MAX ? '…' : copyObject(value, budget, depth)
    default:
      return value === undefined ? undefined : `[${typeof value}]`
  }
}

function copyObject(value: object, budget: { left: number }, depth: number): unknown {
  if (isBytes(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) {
    const items = value.slice(0, ENTRIES_MAX).map((item) => copy(item, budget, depth + 1))
    return value.length > ENTRIES_MAX ? [...items, `… (${value.length} items)`] : items
  }
  const keys = Object.keys(value)
  const entries = keys.slice(0, ENTRIES_MAX).map((key): [string, unknown] => {
    const shownKey = textForLog(key, 64)
    if (SECRET_NAME.test(key)) return [shownKey, REDACTED]
    return [shownKey, copy((value as Record<string, unknown>)[key], budget, depth + 1)]
  })
  if (keys.length > ENTRIES_MAX) entries.push(['…', `${keys.length} fields`])
  return Object.fromEntries(entries)
}

/** An error with its causes. Values that are no errors may be thrown too. */
export function errorForLog(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { thrown: forLog(error) }
  const { name, message, stack, cause } = error
  return {
    name,
    message: textForLog(message, 500),
    ...(stack === undefined ? {} : { stack: textForLog(stack, 2_000) }),
    ...(cause === undefined || depth >= 2 ? {} : { cause: errorForLog(cause, depth + 1) }),
  }
}

/**
 * How the server knows this browser again, for every account: wrong passwords that others try elsewhere do not lock it out.
 * It stays after signing out, and opens nothing by itself.
 */
const KEY = 'commons.device'
const BYTES = 16

let current: string | undefined

export function device(): string {
  current ??= kept() ?? made()
  return current
}

function kept(): string | undefined {
  try {
    const value = localStorage.getItem(KEY)
    return value !== null && value.length >= BYTES ? value : undefined
  } catch {
    return undefined
  }
}

function made(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES))
  const value = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  try {
    localStorage.setItem(KEY, value)
  } catch {
    // A browser that keeps nothing: it is known as long as this page is there.
  }
  return value
}

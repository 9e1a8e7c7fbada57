/** Moments in words, in the reader's language. */
const clock = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' })

export const clockTime = (ts: number): string => clock.format(ts)

export const fullTime = (ts: number): string => full.format(ts)

/** `Today`, `Yesterday`, a weekday, or a date with its year. */
export function dayName(ts: number, now = Date.now()): string {
  const days = Math.round((startOfDay(now) - startOfDay(ts)) / 86_400_000)
  if (days === 0) return 'Today'
  if (days === 1) return 'Yesterday'
  return new Date(ts).getFullYear() === new Date(now).getFullYear() ? day.format(ts) : dayOfYear.format(ts)
}

function startOfDay(ts: number): number {
  return new Date(ts).setHours(0, 0, 0, 0)
}

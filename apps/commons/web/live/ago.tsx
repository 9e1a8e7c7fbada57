/** When something was, in words that a person thinks in; the exact time on hover. */
import type { ReactElement } from 'react'

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]
const words = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })

/** @param now by the server's clock, so that a wrong clock here does not date a task tomorrow */
export function Ago({ at, now }: { at: number; now: number }): ReactElement {
  return (
    <time dateTime={new Date(at).toISOString()} title={exact.format(at)}>
      {ago(at, now)}
    </time>
  )
}

function ago(at: number, now: number): string {
  const since = Math.max(0, now - at)
  const [unit, ms] = UNITS.find(([, each]) => since >= each) ?? []
  return unit === undefined || ms === undefined ? 'just now' : words.format(-Math.floor(since / ms), unit)
}

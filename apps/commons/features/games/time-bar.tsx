/** How much time is left: a bar that shrinks, drawn by the browser alone. By what the server says is left, not by any clock. */
import { type ReactElement, useEffect, useRef } from 'react'

export interface TimeBarProps {
  /** When the server sent it. */
  readonly remainingMs: number
  /** Nothing has to be done in this time. */
  readonly isQuiet: boolean
}

/** The longest time that there is to choose a card. */
const FULL_MS = 12_000

export function TimeBar({ remainingMs, isQuiet }: TimeBarProps): ReactElement {
  const bar = useRef<HTMLSpanElement>(null)
  useEffect(() => {
    if (isQuiet) return
    const from = Math.min(1, remainingMs / FULL_MS)
    const frames = [{ transform: `scaleX(${from})` }, { transform: 'scaleX(0)' }]
    const running = bar.current?.animate(frames, { duration: remainingMs, fill: 'forwards' })
    return () => running?.cancel()
  }, [remainingMs, isQuiet])
  return (
    <span aria-hidden className="mx-auto mt-2 block h-1.5 w-56 max-w-full overflow-hidden rounded-full bg-sunken">
      <span ref={bar} className="block h-full origin-left bg-accent" style={{ transform: 'scaleX(0)' }} />
    </span>
  )
}

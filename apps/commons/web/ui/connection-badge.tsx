/** How the connection is, in a word: always on the screen, and read aloud when it changes. */
import { useConnection } from '@roomful/react'
import clsx from 'clsx'
import { type ReactElement, useEffect, useState } from 'react'
import { describeConnection } from './describe-connection.ts'

const DOTS = { good: 'bg-good', warn: 'bg-warn animate-pulse', bad: 'bg-bad' } as const

export function ConnectionBadge({ className }: { className?: string }): ReactElement {
  const state = useConnection()
  const now = useNow(state.status === 'waiting' || state.status === 'draining')
  const { word, detail, tone } = describeConnection(state)
  return (
    <span
      data-connection={state.status}
      title={detail}
      className={clsx('inline-flex items-center gap-2 whitespace-nowrap text-muted text-sm', className)}
    >
      <span aria-hidden className={clsx('size-2 shrink-0 rounded-full', DOTS[tone])} />
      <span role="status">{word}</span>
      {state.status === 'waiting' && (
        <span aria-hidden className="tabular-nums">
          {Math.max(0, Math.ceil((state.untilMs - now) / 1000))} s
        </span>
      )}
    </span>
  )
}

/** The time, once a second while it is wanted. */
function useNow(isWanted: boolean): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    if (!isWanted) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [isWanted])
  return now
}

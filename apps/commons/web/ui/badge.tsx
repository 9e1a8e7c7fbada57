/** A word or a number in a small pill. */
import clsx from 'clsx'
import type { ReactElement, ReactNode } from 'react'

const TONES = {
  plain: 'bg-ink/8 text-ink',
  accent: 'bg-accent text-on-accent',
  soft: 'bg-accent-soft text-accent-strong',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
} as const

export interface BadgeProps {
  readonly tone?: keyof typeof TONES
  readonly children: ReactNode
}

export function Badge({ tone = 'plain', children }: BadgeProps): ReactElement {
  return (
    <span
      className={clsx(
        'inline-flex min-w-5 items-center justify-center gap-1 rounded-full px-1.5 py-0.5 font-medium text-xs tabular-nums',
        TONES[tone],
      )}
    >
      {children}
    </span>
  )
}

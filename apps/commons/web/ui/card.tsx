/** A sheet on the ground of a page. */
import clsx from 'clsx'
import type { ComponentProps, ReactElement } from 'react'

export function Card({ className, ...rest }: ComponentProps<'div'>): ReactElement {
  return <div {...rest} className={clsx('rounded-xl border border-line bg-surface shadow-card', className)} />
}

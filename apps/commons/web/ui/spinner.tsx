/** Something is under way. Decoration: say in words, beside it or in `aria-busy`, what it is. */
import clsx from 'clsx'
import { LoaderCircle } from 'lucide-react'
import type { ReactElement } from 'react'

export function Spinner({ size = 16, className }: { size?: number; className?: string }): ReactElement {
  return <LoaderCircle aria-hidden size={size} className={clsx('animate-spin', className)} />
}

/** In place of a page or a panel that is not there yet. */
export function Loading({ what }: { what: string }): ReactElement {
  return (
    <div role="status" className="flex h-full min-h-40 items-center justify-center gap-3 text-muted">
      <Spinner size={20} />
      <span>{what}</span>
    </div>
  )
}

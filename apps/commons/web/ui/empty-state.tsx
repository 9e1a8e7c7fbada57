/** Nothing here, said kindly: what will be here, and what to do about it. Also for what went wrong. */
import type { LucideIcon } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'

export interface EmptyStateProps {
  readonly icon: LucideIcon
  readonly title: string
  /** There is nothing else on the page: its title is the page's heading. */
  readonly isPage?: boolean
  readonly children?: ReactNode
  /** A button that helps. */
  readonly action?: ReactNode
}

export function EmptyState({ icon: Icon, title, isPage = false, children, action }: EmptyStateProps): ReactElement {
  const Heading = isPage ? 'h1' : 'h2'
  return (
    <div className="flex h-full min-h-60 flex-col items-center justify-center gap-2 px-6 py-10 text-center">
      <span className="mb-2 grid size-12 place-items-center rounded-2xl bg-accent-soft text-accent">
        <Icon aria-hidden size={22} />
      </span>
      <Heading className="font-semibold text-base">{title}</Heading>
      {children !== undefined && <div className="max-w-sm text-balance text-muted text-sm">{children}</div>}
      {action !== undefined && <div className="mt-3">{action}</div>}
    </div>
  )
}

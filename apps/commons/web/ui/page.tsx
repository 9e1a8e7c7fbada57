/** The frame of a page: its heading, what can be done on it, and its content. */
import clsx from 'clsx'
import type { ReactElement, ReactNode } from 'react'

export interface PageHeaderProps {
  readonly title: ReactNode
  readonly description?: ReactNode
  /** Buttons, at the end of the line. */
  readonly actions?: ReactNode
}

export function PageHeader({ title, description, actions }: PageHeaderProps): ReactElement {
  return (
    <header className="mb-6 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        <h1 className="break-words font-semibold text-2xl tracking-tight">
          <bdi>{title}</bdi>
        </h1>
        {description !== undefined && <p className="mt-1 max-w-2xl text-pretty text-muted">{description}</p>}
      </div>
      {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  )
}

export interface PageBodyProps {
  /** As wide as there is room, instead of a comfortable measure. */
  readonly wide?: boolean
  readonly children: ReactNode
}

/** For pages that scroll as a whole. One that fills the window and scrolls inside needs none. */
export function PageBody({ wide = false, children }: PageBodyProps): ReactElement {
  return (
    <div className="h-full overflow-y-auto">
      <div className={clsx('mx-auto w-full px-4 py-6 sm:px-8 sm:py-8', wide ? 'max-w-7xl' : 'max-w-5xl')}>
        {children}
      </div>
    </div>
  )
}

/** A question that wants an answer before anything else: keeps the focus, closes with Escape, gives the focus back. */
import { Dialog as Base } from '@base-ui/react/dialog'
import clsx from 'clsx'
import { X } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'
import { IconButton } from './button.tsx'

export interface DialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly title: string
  readonly description?: string
  readonly className?: string
  readonly children: ReactNode
}

export const backdropClass =
  'fixed inset-0 z-40 bg-black/45 transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0'

export function Dialog({ open, onOpenChange, title, description, className, children }: DialogProps): ReactElement {
  return (
    <Base.Root open={open} onOpenChange={onOpenChange}>
      <Base.Portal>
        <Base.Backdrop className={backdropClass} />
        <Base.Popup
          className={clsx(
            'fixed inset-x-3 top-[12dvh] z-40 mx-auto max-h-[80dvh] max-w-md overflow-y-auto rounded-2xl border border-line',
            'animate-appear bg-surface p-5 shadow-float focus-visible:outline-none',
            className,
          )}
        >
          <div className="mb-4 flex items-start justify-between gap-4">
            <div>
              <Base.Title className="font-semibold text-lg">{title}</Base.Title>
              {description !== undefined && (
                <Base.Description className="mt-1 text-muted text-sm">{description}</Base.Description>
              )}
            </div>
            <Base.Close render={<IconButton icon={X} label="Close" size="small" className="-mt-1 -mr-1" />} />
          </div>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

/** The row of buttons at the end of a dialog or a form. */
export function Actions({ children }: { children: ReactNode }): ReactElement {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>
}

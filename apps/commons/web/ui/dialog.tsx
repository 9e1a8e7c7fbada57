/** A question that wants an answer before anything else: keeps the focus, closes with Escape, gives the focus back. */
import { Dialog as Base } from '@base-ui/react/dialog'
import clsx from 'clsx'
import { X } from 'lucide-react'
import { type ReactElement, type ReactNode, useRef } from 'react'
import { Button, IconButton } from './button.tsx'

export interface DialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  /** Whether what had the focus before gets it back when this closes: not when the answer leads elsewhere. Default true. */
  readonly returnsFocus?: boolean
  /** It is gone from the page. */
  readonly onClosed?: () => void
  readonly title: string
  readonly description?: string
  readonly className?: string
  readonly children: ReactNode
}

const FIELDS = 'input, textarea, select'

export const backdropClass =
  'fixed inset-0 z-40 bg-black/45 transition-opacity duration-150 data-ending-style:opacity-0 data-starting-style:opacity-0'

export function Dialog(props: DialogProps): ReactElement {
  const { open, onOpenChange, returnsFocus = true, onClosed, title, description, className, children } = props
  const popup = useRef<HTMLDivElement>(null)
  return (
    <Base.Root open={open} onOpenChange={onOpenChange} onOpenChangeComplete={(isOpen) => !isOpen && onClosed?.()}>
      <Base.Portal>
        <Base.Backdrop className={backdropClass} />
        <Base.Popup
          ref={popup}
          // To what is asked for, unless that brings up a keyboard on the screen.
          initialFocus={(by) => (by !== 'touch' && popup.current?.querySelector<HTMLElement>(FIELDS)) || true}
          finalFocus={returnsFocus}
          className={clsx(
            'fixed inset-x-3 top-[12dvh] z-40 mx-auto max-h-[80dvh] max-w-md overflow-y-auto rounded-2xl border border-line',
            'animate-appear bg-surface p-5 shadow-float focus-visible:outline-none',
            className,
          )}
        >
          <div className="mb-4 flex items-start justify-between gap-4">
            <div className="min-w-0 break-words">
              <Base.Title className="font-semibold text-lg">{title}</Base.Title>
              {description !== undefined && (
                <Base.Description className="mt-1 text-muted text-sm">{description}</Base.Description>
              )}
            </div>
            <Base.Close render={<IconButton icon={X} label="Close" size="small" isPlain className="-mt-1 -mr-1" />} />
          </div>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}

/** For the row of buttons: closes the dialog that it is in, and nothing is done. */
export function Cancel({ children = 'Cancel' }: { children?: string }): ReactElement {
  return <Base.Close render={<Button>{children}</Button>} />
}

/** The row of buttons at the end of a dialog or a form. */
export function Actions({ children }: { children: ReactNode }): ReactElement {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>
}

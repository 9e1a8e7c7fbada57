/** Short news in the corner: read aloud, gone by themselves, and closed by hand. For what a person has not to answer. */
import { Toast as Base } from '@base-ui/react/toast'
import clsx from 'clsx'
import { CircleAlert, CircleCheck, Info, X } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'
import { IconButton } from './button.tsx'

type Kind = 'info' | 'good' | 'bad'

const manager = Base.createToastManager()
const ICONS = { info: Info, good: CircleCheck, bad: CircleAlert } as const
const COLOURS: Readonly<Record<Kind, string>> = { info: 'text-accent', good: 'text-good', bad: 'text-bad' }
/** Long enough to read twice. */
const SHOWN_MS = 6_000

/** @param description what can be done about it, or what follows */
export function toast(title: string, description?: string, kind: Kind = 'info'): void {
  manager.add({ title, description, type: kind, timeout: SHOWN_MS, priority: kind === 'bad' ? 'high' : 'low' })
}

/** For what was tried and did not work: the error's own sentence, which servers write for people. */
export function toastError(title: string, error: unknown): void {
  toast(title, error instanceof Error ? error.message : String(error), 'bad')
}

/** Around the app, once. */
export function ToastRegion({ children }: { children: ReactNode }): ReactElement {
  return (
    <Base.Provider toastManager={manager} limit={4}>
      {children}
      <Base.Portal>
        <Base.Viewport className="fixed inset-x-3 bottom-3 z-50 flex flex-col gap-2 sm:left-auto sm:w-88">
          <Toasts />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  )
}

function Toasts(): ReactElement[] {
  return Base.useToastManager().toasts.map((each) => {
    const kind = (each.type ?? 'info') as Kind
    const Icon = ICONS[kind]
    return (
      <Base.Root
        key={each.id}
        toast={each}
        className="animate-appear rounded-xl border border-line bg-raised p-3 shadow-float data-ending-style:opacity-0"
      >
        <Base.Content className="flex items-start gap-3">
          <Icon aria-hidden size={18} className={clsx('mt-0.5 shrink-0', COLOURS[kind])} />
          <div className="min-w-0 grow">
            <Base.Title className="font-medium text-sm" />
            <Base.Description className="mt-0.5 break-words text-muted text-sm" />
          </div>
          <Base.Close
            aria-label="Dismiss"
            render={<IconButton icon={X} label="Dismiss" size="small" className="-my-1 -mr-1" />}
          />
        </Base.Content>
      </Base.Root>
    )
  })
}

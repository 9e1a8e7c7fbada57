/**
 * Short news in the corner: read aloud once, gone after a while, and closed by hand. For what a person has not to answer.
 * Equal ones are one with a count, so that a hundred refusals do not bury the page.
 */
import { Toast as Base } from '@base-ui/react/toast'
import clsx from 'clsx'
import { CircleAlert, CircleCheck, Info, X } from 'lucide-react'
import type { ReactElement, ReactNode } from 'react'
import { Link } from 'wouter'
import { IconButton } from './button.tsx'
import { sentenceOf } from './error-sentence.ts'
import { type Kind, Toasts } from './toasts.ts'

interface Data {
  /** How often it was said. */
  readonly count: number
  readonly link: string | undefined
}

const manager = Base.createToastManager<Data>()
const ICONS = { info: Info, good: CircleCheck, bad: CircleAlert } as const
const COLOURS: Readonly<Record<Kind, string>> = { info: 'text-accent', good: 'text-good', bad: 'text-bad' }
/** Long enough to read twice. */
const SHOWN_MS = 6_000
const TOASTS_MAX = 3

const toasts = new Toasts({
  limit: TOASTS_MAX,
  now: () => performance.now(),
  show({ id, title, description, kind, link }) {
    const onRemove = (): void => toasts.removed(id)
    manager.add({ id, title, description, type: kind, timeout: SHOWN_MS, data: { count: 1, link }, onRemove })
  },
  // The same words are not read aloud again; a new time restarts it.
  count: (id, count, { title, description, link }) =>
    manager.update(id, { title, description, data: { count, link }, timeout: SHOWN_MS }),
  close: (id) => manager.close(id),
})

/** @param description what can be done about it, or what follows */
export function toast(title: string, description?: string, kind: Kind = 'info'): void {
  toasts.add({ title, description, kind })
}

/** For a message to this user. @param about the place: several messages from there are one toast. @param link the page */
export function toastMessage(
  title: string,
  message: string,
  about: string | undefined,
  link: string | undefined,
): void {
  toasts.add({ title, description: message, kind: 'info', about, link })
}

/** What was written there was read: its toast goes. */
export function closeMessageToast(about: string): void {
  toasts.seen(about)
}

/** For what was tried and did not work, and why. */
export function toastError(title: string, error: unknown): void {
  toast(title, sentenceOf(error), 'bad')
}

/** Around the app, once. */
export function ToastRegion({ children }: { children: ReactNode }): ReactElement {
  return (
    <Base.Provider toastManager={manager} limit={TOASTS_MAX}>
      {children}
      <Base.Portal>
        {/* Reads each aloud, once: an alert besides would read it twice. */}
        <Base.Viewport className="fixed inset-x-3 bottom-3 z-50 flex flex-col gap-2 sm:left-auto sm:w-88">
          <Shown />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  )
}

function Shown(): ReactElement[] {
  return Base.useToastManager<Data>().toasts.map((each) => {
    const kind = (each.type ?? 'info') as Kind
    const Icon = ICONS[kind]
    const { count = 1, link } = each.data ?? {}
    return (
      <Base.Root
        key={each.id}
        toast={each}
        className="animate-appear rounded-xl border border-line bg-raised p-3 shadow-float data-limited:hidden data-ending-style:opacity-0"
      >
        <Base.Content className="flex items-start gap-3">
          <Icon aria-hidden size={18} className={clsx('mt-0.5 shrink-0', COLOURS[kind])} />
          <div className="min-w-0 grow">
            <Base.Title className="font-medium text-sm">
              {link === undefined ? (
                each.title
              ) : (
                <Link href={`~${link}`} onClick={() => manager.close(each.id)} className="hover:underline">
                  {each.title}
                </Link>
              )}
            </Base.Title>
            <Base.Description className="mt-0.5 break-words text-muted text-sm" />
          </div>
          {count > 1 && (
            <span
              aria-hidden
              className="mt-0.5 shrink-0 rounded-full bg-ink/8 px-2 font-medium text-xs leading-5 tabular-nums"
            >
              ×{count}
            </span>
          )}
          <Base.Close
            aria-label="Dismiss"
            aria-hidden={false} // the keyboard reaches it at any time
            onClick={() => toasts.dismissed(each.id)}
            render={<IconButton icon={X} label="Dismiss" size="small" className="-my-1 -mr-1" />}
          />
        </Base.Content>
      </Base.Root>
    )
  })
}

/** Where one writes: Enter sends, Shift and Enter begins a line, Escape cancels an edit or a reply. Drafts survive a reload. */
import { SendHorizontal, X } from 'lucide-react'
import {
  type KeyboardEvent,
  type ReactElement,
  useEffect,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import { useSession } from '../session/session-gate.tsx'
import { IconButton } from '../ui/button.tsx'
import { inputClass } from '../ui/field.tsx'
import { draftsOf } from './drafts.ts'

export interface ComposerContext {
  /** `edit`: the text replaces that of an earlier message. */
  readonly kind: 'edit' | 'reply'
  readonly title: string
  readonly text: string
}

export interface ComposerProps {
  readonly label: string
  /** The draft is kept under this name, for the person who is signed in. */
  readonly draftKey: string
  readonly context?: ComposerContext | undefined
  /** What to know before writing. */
  readonly notice?: string | undefined
  readonly disabled?: boolean
  readonly onCancel?: () => void
  readonly onType?: () => void
  readonly onEmpty?: () => void
  readonly onSend: (text: string) => void
  /** Arrow up in an empty field. */
  readonly onEditLast?: () => void
}

export function Composer(props: ComposerProps): ReactElement {
  const { label, draftKey, context, notice, disabled, onCancel, onType, onEmpty, onSend, onEditLast } = props
  const session = useSession()
  const drafts = useMemo(() => draftsOf(session), [session])
  const [text, setText] = useState(() => drafts.get(draftKey))
  const field = useRef<HTMLTextAreaElement>(null)
  const noticeId = useId()
  const edited = context?.kind === 'edit' ? context.text : undefined

  // Where a keyboard is at hand, one can write at once; elsewhere one would come up and cover what there is to read.
  // biome-ignore lint/correctness/useExhaustiveDependencies: of another conversation
  useEffect(() => {
    if (!matchMedia('(pointer: coarse)').matches) field.current?.focus({ preventScroll: true })
  }, [draftKey])

  // Before the next key: what is typed at once belongs to what is edited.
  useLayoutEffect(() => {
    if (context) field.current?.focus()
    if (edited === undefined) return
    setText(edited)
    return () => setText(drafts.get(draftKey))
  }, [context, edited, draftKey, drafts])

  const write = (next: string): void => {
    setText(next)
    if (edited !== undefined) return
    drafts.set(draftKey, next)
    if (next === '') onEmpty?.()
    else onType?.()
  }

  const send = (): void => {
    const content = text.trim()
    if (content === '' || disabled) return
    onSend(content)
    write('')
  }

  const handleKey = (event: KeyboardEvent): void => {
    // While an input method composes, Enter is its own.
    if (event.nativeEvent.isComposing) return
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault()
      send()
    } else if (event.key === 'Escape' && context) onCancel?.()
    else if (event.key === 'ArrowUp' && text === '' && !context) {
      event.preventDefault() // or the caret would go up, to the beginning of what is to be edited
      onEditLast?.()
    }
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
      className="px-3 pb-3 sm:px-6 sm:pb-4"
    >
      {context && (
        <div className="flex items-center gap-2 rounded-t-lg border border-line border-b-0 bg-sunken py-1 pr-1 pl-3 text-sm">
          <span className="shrink-0 font-medium">{context.title}</span>
          <span dir="auto" className="min-w-0 grow truncate text-muted">
            {context.text}
          </span>
          <IconButton icon={X} label="Cancel" size="small" onClick={onCancel} />
        </div>
      )}
      <div className="flex items-end gap-2">
        <textarea
          ref={field}
          aria-label={label}
          aria-describedby={notice === undefined ? undefined : noticeId}
          placeholder={label}
          dir="auto"
          rows={1}
          value={text}
          disabled={disabled}
          onChange={(event) => write(event.currentTarget.value)}
          onKeyDown={handleKey}
          className={`${inputClass} field-sizing-content max-h-40 min-h-11 resize-none py-2.5 text-base sm:text-[0.9375rem] ${context ? 'rounded-t-none' : ''}`}
        />
        <IconButton
          icon={SendHorizontal}
          label={context?.kind === 'edit' ? 'Save' : 'Send'}
          tone="primary"
          type="submit"
          disabled={disabled || text.trim() === ''}
          className="size-11"
        />
      </div>
      {notice !== undefined && (
        <p id={noticeId} className="mt-1.5 text-warn text-xs">
          {notice}
        </p>
      )}
    </form>
  )
}

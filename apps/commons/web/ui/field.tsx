/** Inputs with their label, what helps, and what is wrong: tied together for everyone, whatever they read with. */
import { Field as Base } from '@base-ui/react/field'
import clsx from 'clsx'
import { type ComponentProps, type ReactElement, type ReactNode, useEffect, useRef } from 'react'

export const inputClass =
  'w-full rounded-lg border border-edge bg-raised px-3 text-ink -outline-offset-1 transition-colors ' +
  'placeholder:text-muted hover:border-ink/60 focus:border-accent disabled:opacity-50 aria-invalid:border-bad'

interface Around {
  readonly label: string
  readonly hint?: string | undefined
  /** What is wrong with it, as a sentence. */
  readonly error?: string | undefined
  /** For readers only: where the place says what it is. */
  readonly hideLabel?: boolean | undefined
}

export interface FieldProps extends Omit<ComponentProps<'input'>, 'ref'>, Around {
  readonly ref?: React.Ref<HTMLInputElement>
}

export function Field({ label, hint, error, hideLabel, className, ref, ...input }: FieldProps): ReactElement {
  return (
    <Labelled {...{ label, hint, error, hideLabel, className }}>
      <Base.Control {...input} ref={ref} className={clsx(inputClass, 'h-10 text-base sm:text-sm')} />
    </Labelled>
  )
}

export interface TextAreaProps extends ComponentProps<'textarea'>, Around {}

export function TextArea({ label, hint, error, hideLabel, className, ...area }: TextAreaProps): ReactElement {
  return (
    <Labelled {...{ label, hint, error, hideLabel, className }}>
      <Base.Control
        render={<textarea rows={3} {...area} />}
        className={clsx(inputClass, 'resize-y py-2 text-base sm:text-sm')}
      />
    </Labelled>
  )
}

export interface SelectFieldProps extends ComponentProps<'select'>, Around {}

/** The platform's own list: best on phones, and complete for the keyboard. */
export function SelectField({ label, hint, error, hideLabel, className, ...select }: SelectFieldProps): ReactElement {
  return (
    <Labelled {...{ label, hint, error, hideLabel, className }}>
      <Base.Control render={<select {...select} />} className={clsx(inputClass, 'h-10 text-base sm:text-sm')} />
    </Labelled>
  )
}

interface LabelledProps extends Around {
  readonly className?: string | undefined
  readonly children: ReactNode
}

function Labelled({ label, hint, error, hideLabel, className, children }: LabelledProps): ReactElement {
  const root = useRef<HTMLDivElement>(null)
  // What is wrong is read aloud where the focus comes to: the first field of the form that is wrong.
  useEffect(() => {
    if (error === undefined) return
    const control = root.current?.querySelector<HTMLInputElement>('input, textarea, select')
    if (control && control === control.form?.querySelector('[aria-invalid="true"]')) control.focus()
  }, [error])
  return (
    <Base.Root ref={root} invalid={error !== undefined} className={clsx('flex flex-col gap-1.5', className)}>
      <Base.Label className={hideLabel ? 'sr-only' : 'font-medium text-sm'}>{label}</Base.Label>
      {children}
      {hint !== undefined && <Base.Description className="text-muted text-sm">{hint}</Base.Description>}
      <Base.Error match={error !== undefined} className="text-bad text-sm">
        {error}
      </Base.Error>
    </Base.Root>
  )
}

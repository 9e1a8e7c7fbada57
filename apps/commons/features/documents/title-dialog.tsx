/** Asks for a title: of a new document, or a new one of an old document. */
import { type FormEvent, type ReactElement, useState } from 'react'
import { AwayNote } from '../../web/live/away.tsx'
import { Button } from '../../web/ui/button.tsx'
import { Actions, Cancel, Dialog } from '../../web/ui/dialog.tsx'
import { sentenceOf } from '../../web/ui/error-sentence.ts'
import { Field } from '../../web/ui/field.tsx'

export interface TitleDialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
  readonly heading: string
  readonly submit: string
  readonly title?: string
  /** What it throws is shown. */
  readonly onSubmit: (title: string) => Promise<void>
}

export function TitleDialog({ open, onOpenChange, heading, ...form }: TitleDialogProps): ReactElement {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={heading}>
      <Form {...form} onDone={() => onOpenChange(false)} />
    </Dialog>
  )
}

type FormProps = Pick<TitleDialogProps, 'submit' | 'title' | 'onSubmit'> & { readonly onDone: () => void }

function Form({ submit, title = '', onSubmit, onDone }: FormProps): ReactElement {
  const [value, setValue] = useState(title)
  const [error, setError] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  const send = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (value.trim() === '') return setError('Enter a title')
    setBusy(true)
    try {
      await onSubmit(value.trim())
      onDone()
    } catch (failure) {
      setError(sentenceOf(failure))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form onSubmit={send}>
      <Field
        label="Title"
        autoComplete="off"
        maxLength={200}
        value={value}
        error={error}
        onChange={({ target }) => setValue(target.value)}
      />
      <AwayNote />
      <Actions>
        <Cancel />
        <Button tone="primary" type="submit" busy={isBusy}>
          {submit}
        </Button>
      </Actions>
    </form>
  )
}

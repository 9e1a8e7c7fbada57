/** A name is all that a room needs: it is opened by being joined. */
import { type FormEvent, type ReactElement, useState } from 'react'
import { useLocation } from 'wouter'
import { Button } from '../../web/ui/button.tsx'
import { Actions, Cancel, Dialog } from '../../web/ui/dialog.tsx'
import { Field } from '../../web/ui/field.tsx'
import { nameProblem, normalizeName } from './room-names.ts'

export interface NewRoomDialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

export function NewRoomDialog({ open, onOpenChange }: NewRoomDialogProps): ReactElement {
  const [problem, setProblem] = useState<string>()
  const [wanted, setWanted] = useState<string>()
  const [, navigate] = useLocation()

  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const name = normalizeName(String(new FormData(event.currentTarget).get('name')))
    const found = nameProblem(name)
    setProblem(found)
    if (found !== undefined) return
    setWanted(name)
    onOpenChange(false)
  }

  return (
    <Dialog
      open={open}
      onOpenChange={(next) => {
        setProblem(undefined)
        onOpenChange(next)
      }}
      returnsFocus={wanted === undefined}
      // Only then: until it is gone, a dialog keeps the focus to itself.
      onClosed={() => {
        if (wanted !== undefined) navigate(`/${encodeURIComponent(wanted)}`)
        setWanted(undefined)
      }}
      title="New room"
      description="Anyone may come in. If there is a room of this name already, you join it."
    >
      <form onSubmit={submit}>
        <Field
          label="Name"
          name="name"
          maxLength={128}
          autoComplete="off"
          error={problem}
          hint="For instance: garden"
        />
        <Actions>
          <Cancel />
          <Button type="submit" tone="primary">
            Open room
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}

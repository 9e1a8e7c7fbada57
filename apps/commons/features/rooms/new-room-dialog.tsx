/** A name is all that a room needs: it exists as soon as it is joined. Members choose whether guests may come in. */
import { type FormEvent, type ReactElement, useState } from 'react'
import { useLocation } from 'wouter'
import { useSession } from '../../web/session/session-gate.tsx'
import { Button } from '../../web/ui/button.tsx'
import { Actions, Cancel, Dialog } from '../../web/ui/dialog.tsx'
import { Field } from '../../web/ui/field.tsx'
import { Segments } from '../../web/ui/segments.tsx'
import { MEMBERS_PREFIX, nameProblem, normalizeName } from './room-names.ts'

export interface NewRoomDialogProps {
  readonly open: boolean
  readonly onOpenChange: (open: boolean) => void
}

type Audience = 'everyone' | 'members'

export function NewRoomDialog({ open, onOpenChange }: NewRoomDialogProps): ReactElement {
  const [problem, setProblem] = useState<string>()
  const [wanted, setWanted] = useState<string>()
  const [audience, setAudience] = useState<Audience>('everyone')
  const [, navigate] = useLocation()
  const isGuest = useSession()?.kind === 'guest'

  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const name = normalizeName(String(new FormData(event.currentTarget).get('name')))
    const found = nameProblem(name)
    setProblem(found)
    if (found !== undefined) return
    setWanted(audience === 'members' ? MEMBERS_PREFIX + name : name)
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
        setAudience('everyone')
      }}
      title="New room"
      description={
        audience === 'members'
          ? 'Only people with an account can join.'
          : 'Anyone can join. If the room already exists, you’ll join it.'
      }
    >
      <form onSubmit={submit} className="flex flex-col gap-4">
        <Field label="Name" name="name" maxLength={128} autoComplete="off" error={problem} hint="For example: garden" />
        {!isGuest && (
          <div>
            <Segments
              label="Who can join"
              value={audience}
              onChange={setAudience}
              choices={[
                { value: 'everyone', label: 'Everyone' },
                { value: 'members', label: 'Members only' },
              ]}
            />
          </div>
        )}
        <Actions>
          <Cancel />
          <Button type="submit" tone="primary">
            Create room
          </Button>
        </Actions>
      </form>
    </Dialog>
  )
}

/** What an administrator may do about somebody: give a role, disconnect, shut out, let in again. */
import { Ban, DoorOpen, EllipsisVertical, UserCheck, UserCog } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { Button, IconButton } from '../../web/ui/button.tsx'
import { Actions, Cancel, Dialog } from '../../web/ui/dialog.tsx'
import { SelectField } from '../../web/ui/field.tsx'
import { Menu, MenuItem, MenuSeparator } from '../../web/ui/menu.tsx'
import { toast, toastError } from '../../web/ui/toast.tsx'
import { administration, ROLE_NAMES, type Role, type Subject } from './administration.ts'

export interface PersonMenuProps {
  readonly subject: Subject
  /** Undefined: it is not known, and being shut out is offered. */
  readonly isBanned?: boolean
  readonly isHere: boolean
  /** Something was done: what is shown may be another now. */
  readonly onDone: () => void
}

export function PersonMenu({ subject, isBanned = false, isHere, onDone }: PersonMenuProps): ReactElement {
  const [isChanging, setChanging] = useState(false)
  const { userId, name } = subject
  const act = (done: string, asked: Promise<unknown>): void => {
    asked.then(
      () => {
        toast(done, undefined, 'good')
        onDone()
      },
      (refused: unknown) => toastError('That was not done', refused),
    )
  }
  return (
    <>
      <Menu trigger={<IconButton icon={EllipsisVertical} size="small" label={`What to do about ${name}`} />}>
        <MenuItem icon={UserCog} onSelect={() => setChanging(true)}>
          Change the role…
        </MenuItem>
        {isHere && (
          <MenuItem icon={DoorOpen} onSelect={() => act(`${name} was disconnected`, administration.disconnect(userId))}>
            Disconnect
          </MenuItem>
        )}
        <MenuSeparator />
        {isBanned ? (
          <MenuItem icon={UserCheck} onSelect={() => act(`${name} may come in again`, administration.letIn(userId))}>
            Let in again
          </MenuItem>
        ) : (
          <MenuItem icon={Ban} danger onSelect={() => act(`${name} is banned`, administration.ban(userId))}>
            Ban
          </MenuItem>
        )}
      </Menu>
      <Dialog
        open={isChanging}
        onOpenChange={setChanging}
        title="Change the role"
        description="It holds at once, on every open connection."
      >
        <RoleForm
          subject={subject}
          onSubmit={(role) => {
            setChanging(false)
            act(`${name} is ${ROLE_NAMES[role]} now`, administration.giveRole(userId, role))
          }}
        />
      </Dialog>
    </>
  )
}

function RoleForm({ subject, onSubmit }: { subject: Subject; onSubmit: (role: Role) => void }): ReactElement {
  const { name, role: before } = subject
  const [role, setRole] = useState<Role>(before !== null && before in ROLE_NAMES ? (before as Role) : 'user')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit(role)
      }}
    >
      <SelectField label={`Role of ${name}`} value={role} onChange={({ target }) => setRole(target.value as Role)}>
        {Object.entries(ROLE_NAMES).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </SelectField>
      <Actions>
        <Cancel />
        <Button type="submit" tone="primary">
          Change it
        </Button>
      </Actions>
    </form>
  )
}

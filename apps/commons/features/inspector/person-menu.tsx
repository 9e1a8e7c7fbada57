/** An administrator's actions for a user: set a role, disconnect, ban with a reason, unban. */
import { Ban, EllipsisVertical, Unplug, UserCheck, UserCog } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { Button, IconButton } from '../../web/ui/button.tsx'
import { Confirm } from '../../web/ui/confirm.tsx'
import { Actions, Cancel, Dialog } from '../../web/ui/dialog.tsx'
import { Field, SelectField } from '../../web/ui/field.tsx'
import { Menu, MenuItem, MenuSeparator } from '../../web/ui/menu.tsx'
import { toast, toastError } from '../../web/ui/toast.tsx'
import { administration, isGuest, REASON_MAX, ROLE_NAMES, type Role, type Subject } from './administration.ts'

export interface PersonMenuProps {
  readonly subject: Subject
  /** Undefined: it is not known, and banning is offered. */
  readonly isBanned?: boolean
  readonly isOnline: boolean
  /** Something was done: what is shown may be another now. */
  readonly onDone: () => void
}

export function PersonMenu({ subject, isBanned = false, isOnline, onDone }: PersonMenuProps): ReactElement {
  const [asked, setAsked] = useState<'role' | 'disconnect' | 'ban'>()
  const [reason, setReason] = useState('')
  const { userId, name } = subject
  const hasAccount = !isGuest(subject)
  const act = (done: string, failed: string, promise: Promise<unknown>): void => {
    setAsked(undefined)
    promise.then(
      () => {
        toast(done, undefined, 'good')
        onDone()
      },
      (refused: unknown) => toastError(failed, refused),
    )
  }
  const close = (): void => setAsked(undefined)
  return (
    <>
      <Menu trigger={<IconButton icon={EllipsisVertical} size="small" label={`Actions for ${name}`} />}>
        {hasAccount && (
          <MenuItem icon={UserCog} onSelect={() => setAsked('role')}>
            Change role…
          </MenuItem>
        )}
        {isOnline && (
          <MenuItem icon={Unplug} onSelect={() => setAsked('disconnect')}>
            Disconnect…
          </MenuItem>
        )}
        {hasAccount && <MenuSeparator />}
        {hasAccount &&
          (isBanned ? (
            <MenuItem
              icon={UserCheck}
              onSelect={() => act(`${name} was unbanned`, `Couldn’t unban ${name}`, administration.unban(userId))}
            >
              Unban
            </MenuItem>
          ) : (
            <MenuItem
              icon={Ban}
              danger
              onSelect={() => {
                setReason('')
                setAsked('ban')
              }}
            >
              Ban…
            </MenuItem>
          ))}
      </Menu>
      <Confirm
        open={asked === 'disconnect'}
        onOpenChange={close}
        title={`Disconnect ${name}?`}
        description="This closes Commons in all their tabs and devices. They can reconnect."
        action="Disconnect"
        icon={Unplug}
        onConfirm={() =>
          act(`${name} was disconnected`, `Couldn’t disconnect ${name}`, administration.disconnect(userId))
        }
      />
      <Confirm
        open={asked === 'ban'}
        onOpenChange={close}
        title={`Ban ${name}?`}
        description="They’re signed out everywhere and can’t sign in until you unban them."
        action="Ban"
        icon={Ban}
        onConfirm={() => act(`${name} was banned`, `Couldn’t ban ${name}`, administration.ban(userId, reason.trim()))}
      >
        <Field
          label="Reason"
          hint={`${name} and other administrators see this. Optional.`}
          value={reason}
          maxLength={REASON_MAX}
          dir="auto"
          autoComplete="off"
          onChange={({ target }) => setReason(target.value)}
        />
      </Confirm>
      <Dialog
        open={asked === 'role'}
        onOpenChange={close}
        title={`Change ${name}’s role`}
        description="Takes effect immediately."
      >
        <RoleForm
          subject={subject}
          onSubmit={(role) =>
            act(
              `${name}’s role is now ${ROLE_NAMES[role]}`,
              'Couldn’t change the role',
              administration.giveRole(userId, role),
            )
          }
        />
      </Dialog>
    </>
  )
}

function RoleForm({ subject, onSubmit }: { subject: Subject; onSubmit: (role: Role) => void }): ReactElement {
  const { role: before } = subject
  const [role, setRole] = useState<Role>(before !== null && before in ROLE_NAMES ? (before as Role) : 'user')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit(role)
      }}
    >
      <SelectField label="Role" value={role} onChange={({ target }) => setRole(target.value as Role)}>
        {Object.entries(ROLE_NAMES).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </SelectField>
      <Actions>
        <Cancel />
        <Button type="submit" tone="primary">
          Save
        </Button>
      </Actions>
    </form>
  )
}

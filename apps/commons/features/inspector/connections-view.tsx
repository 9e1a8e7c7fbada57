/** Who is connected or was lately, from where and how, what became of one, and what an administrator may do about it. */
import { useClient, useConnection } from '@roomful/react'
import { Ban, DoorOpen, EllipsisVertical, RefreshCw, UserCog } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Button, IconButton } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Actions, Cancel, Dialog } from '../../web/ui/dialog.tsx'
import { Field, SelectField } from '../../web/ui/field.tsx'
import { Menu, MenuItem, MenuSeparator } from '../../web/ui/menu.tsx'
import { toast, toastError } from '../../web/ui/toast.tsx'
import { EndedRow, OpenRow } from './connection-rows.tsx'
import type { ConnectionInfo, EndedConnection, inspectorContract } from './contract.ts'
import { StoryDialog, type StoryDialogProps } from './story-dialog.tsx'

type Role = 'user' | 'seller' | 'support' | 'admin'

const ROLE_NAMES: Readonly<Record<Role, string>> = {
  user: 'Member',
  seller: 'Seller',
  support: 'Support',
  admin: 'Administrator',
}

interface Listed {
  readonly connections: readonly ConnectionInfo[]
  readonly count: number
  readonly ended: readonly EndedConnection[]
}

export function ConnectionsView({ onExplain }: Required<Pick<StoryDialogProps, 'onExplain'>>): ReactElement {
  const client = useClient<typeof inspectorContract>()
  const state = useConnection()
  const { data, error, reload } = useLoaded<Listed>(() => client.request('connection:list'))
  const [wanted, setWanted] = useState('')
  const [changed, setChanged] = useState<ConnectionInfo>()
  /** The connection whose story is read. */
  const [opened, setOpened] = useState<string>()
  const me = state.status === 'open' ? state.user.sub : undefined
  if (!data) return <NotLoaded what="the connections" error={error} onRetry={reload} />

  const act = (done: string, asked: Promise<unknown>): void => {
    asked.then(
      () => {
        toast(done, undefined, 'good')
        reload()
      },
      (refused: unknown) => toastError('That was not done', refused),
    )
  }
  const words = wanted.trim().toLowerCase()
  const isWanted = (...texts: string[]): boolean => texts.some((text) => text.toLowerCase().includes(words))
  const shown = data.connections.filter(({ name, ip, namespace, userId, connectionId, dialect }) =>
    isWanted(name, ip, namespace, userId, connectionId, dialect),
  )
  const gone = data.ended.filter(({ name, ip, namespace, userId, connectionId, reason }) =>
    isWanted(name, ip, namespace, userId, connectionId, reason),
  )
  return (
    <>
      <div className="mb-3 flex flex-wrap items-end gap-3">
        <Field
          label="Find"
          placeholder="Name, address, namespace…"
          className="min-w-56 grow sm:max-w-sm"
          value={wanted}
          onChange={({ target }) => setWanted(target.value)}
        />
        <Button icon={RefreshCw} onClick={reload}>
          Look again
        </Button>
        <p role="status" className="pb-2 text-muted text-sm">
          {shown.length} of {data.count}
        </p>
      </div>
      <Card className="overflow-hidden">
        {shown.length === 0 && <Nothing />}
        <ul aria-label="Connections">
          {shown.map((each) => (
            <OpenRow
              key={each.connectionId}
              connection={each}
              now={client.serverNow()}
              onOpen={() => setOpened(each.connectionId)}
            >
              {each.userId !== me && (
                <Menu
                  trigger={<IconButton icon={EllipsisVertical} size="small" label={`What to do about ${each.name}`} />}
                >
                  <MenuItem icon={UserCog} onSelect={() => setChanged(each)}>
                    Change the role…
                  </MenuItem>
                  <MenuItem
                    icon={DoorOpen}
                    onSelect={() =>
                      act(`${each.name} was disconnected`, client.request('user:disconnect', { userId: each.userId }))
                    }
                  >
                    Disconnect
                  </MenuItem>
                  <MenuSeparator />
                  <MenuItem
                    icon={Ban}
                    danger
                    onSelect={() =>
                      act(`${each.name} is banned`, client.request('user:ban', { userId: each.userId, isBanned: true }))
                    }
                  >
                    Ban
                  </MenuItem>
                </Menu>
              )}
            </OpenRow>
          ))}
        </ul>
      </Card>
      <h2 className="mt-6 mb-2 font-semibold text-base">Ended lately</h2>
      <Card className="overflow-hidden">
        {gone.length === 0 ? (
          <Nothing>{data.ended.length === 0 ? 'None, since the server began.' : undefined}</Nothing>
        ) : (
          <ul aria-label="Connections that ended lately">
            {gone.map((each) => (
              <EndedRow
                key={each.connectionId}
                connection={each}
                now={client.serverNow()}
                onOpen={() => setOpened(each.connectionId)}
              />
            ))}
          </ul>
        )}
      </Card>
      <StoryDialog connectionId={opened} onClose={() => setOpened(undefined)} onExplain={onExplain} />
      <Dialog
        open={changed !== undefined}
        onOpenChange={() => setChanged(undefined)}
        title="Change the role"
        description="It holds at once, on every open connection."
      >
        {changed && (
          <RoleForm
            connection={changed}
            onSubmit={(role) => {
              setChanged(undefined)
              const { userId, name } = changed
              act(`${name} is ${ROLE_NAMES[role]} now`, client.request('user:role', { userId, role }))
            }}
          />
        )}
      </Dialog>
    </>
  )
}

function Nothing({ children = 'None of them is what you look for.' }: { children?: string | undefined }): ReactElement {
  return <p className="px-4 py-3 text-muted text-sm">{children}</p>
}

function RoleForm({
  connection,
  onSubmit,
}: {
  connection: ConnectionInfo
  onSubmit: (role: Role) => void
}): ReactElement {
  const [role, setRole] = useState<Role>(connection.role in ROLE_NAMES ? (connection.role as Role) : 'user')
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSubmit(role)
      }}
    >
      <SelectField
        label={`Role of ${connection.name}`}
        value={role}
        onChange={({ target }) => setRole(target.value as Role)}
      >
        {Object.entries(ROLE_NAMES).map(([value, name]) => (
          <option key={value} value={value}>
            {name}
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

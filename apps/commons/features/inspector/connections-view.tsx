/** Who is connected, from where and how, and what an administrator may do about one. */
import { useClient, useConnection } from '@roomful/react'
import { Ban, DoorOpen, EllipsisVertical, RefreshCw, UserCog } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { Ago } from '../../web/live/ago.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Badge } from '../../web/ui/badge.tsx'
import { Button, IconButton } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Actions, Dialog } from '../../web/ui/dialog.tsx'
import { Field, SelectField } from '../../web/ui/field.tsx'
import { Menu, MenuItem, MenuSeparator } from '../../web/ui/menu.tsx'
import { toast, toastError } from '../../web/ui/toast.tsx'
import type { ConnectionInfo, inspectorContract } from './contract.ts'

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
}

export function ConnectionsView(): ReactElement {
  const client = useClient<typeof inspectorContract>()
  const state = useConnection()
  const { data, error, reload } = useLoaded<Listed>(() => client.request('connection:list'))
  const [wanted, setWanted] = useState('')
  const [changed, setChanged] = useState<ConnectionInfo>()
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
  const shown = data.connections.filter(({ name, ip, namespace, userId, dialect }) =>
    [name, ip, namespace, userId, dialect].some((text) => text.toLowerCase().includes(words)),
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
        <ul aria-label="Connections">
          {shown.map((each) => (
            <li
              key={each.connectionId}
              className="flex items-center gap-4 border-line border-b py-2.5 pr-2 pl-4 text-sm last:border-b-0"
            >
              <div className="min-w-0 grow">
                <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
                  <bdi className="font-medium">{each.name}</bdi>
                  {each.role !== 'user' && <Badge tone="soft">{each.role}</Badge>}
                  <Badge>{each.namespace}</Badge>
                  <Badge>{each.dialect}</Badge>
                </p>
                <p className="mt-0.5 truncate text-muted" title={each.userAgent}>
                  {each.ip} · {each.rooms === 1 ? '1 room' : `${each.rooms} rooms`} ·{' '}
                  <Ago at={each.openedAt} now={client.serverNow()} /> · {each.userAgent || 'no user agent'}
                </p>
              </div>
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
            </li>
          ))}
        </ul>
      </Card>
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
        <Button type="submit" tone="primary">
          Change it
        </Button>
      </Actions>
    </form>
  )
}

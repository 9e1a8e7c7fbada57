/** Everyone who has an account, here or not: found by name, and what an administrator may do about them. B27. */
import { useClient, useConnection } from '@roomful/react'
import { UserX } from 'lucide-react'
import { type ReactElement, useEffect, useRef, useState } from 'react'
import { Ago } from '../../web/live/ago.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Avatar } from '../../web/ui/avatar.tsx'
import { Badge } from '../../web/ui/badge.tsx'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { Field } from '../../web/ui/field.tsx'
import { toastError } from '../../web/ui/toast.tsx'
import { roleName } from './administration.ts'
import { type Account, type AccountPage, listAccounts } from './inspection.ts'
import { PersonMenu } from './person-menu.tsx'
import { silence, silentOf } from './silent-servers.ts'

/** From the last key to the question. */
const PAUSE_MS = 250

export function AccountsView(): ReactElement {
  const client = useClient()
  const state = useConnection()
  const [wanted, setWanted] = useState('')
  const search = useSettled(wanted.trim())
  const { data, error, reload, change } = useLoaded<AccountPage>(() => listAccounts(search), search)
  // What was found before stays until the next answer: a menu that hangs on a row would close.
  const before = useRef<AccountPage>(undefined)
  if (data) before.current = data
  const page = data ?? (error ? undefined : before.current)
  const me = state.status === 'open' ? state.user.sub : undefined
  const loadMore = (): void => {
    listAccounts(search, page?.accounts.at(-1)?.userId).then(
      ({ accounts, ...rest }) => change((known) => ({ ...rest, accounts: [...known.accounts, ...accounts] })),
      (refused: unknown) => toastError('Couldn’t load more people', refused),
    )
  }
  return (
    <>
      <Field
        label="Find people"
        placeholder="Name or ID"
        className="mb-3 sm:max-w-sm"
        value={wanted}
        onChange={({ target }) => setWanted(target.value)}
      />
      {!page ? (
        <NotLoaded what="people" error={error} onRetry={reload} />
      ) : (
        <Card className="overflow-hidden">
          {page.accounts.length === 0 && <EmptyState icon={UserX} title="No matches" />}
          <ul aria-label="People">
            {page.accounts.map((account) => (
              <Row key={account.userId} account={account} now={client.serverNow()}>
                {account.userId !== me && (
                  <PersonMenu
                    subject={account}
                    isBanned={account.isBanned}
                    isOnline={account.connections > 0}
                    onDone={reload}
                  />
                )}
              </Row>
            ))}
          </ul>
        </Card>
      )}
      {page && silentOf(page.nodes) > 0 && (
        <p role="status" className="mt-3 text-muted text-sm">
          {silence(silentOf(page.nodes))} Who is online there isn’t known.
        </p>
      )}
      {page?.more && (
        <div className="mt-4 text-center">
          <Button onClick={loadMore}>Show more</Button>
        </div>
      )}
    </>
  )
}

function Row({ account, now, children }: { account: Account; now: number; children: React.ReactNode }): ReactElement {
  const { userId, name, role, isBanned, banReason, createdAt, connections } = account
  return (
    <li className="flex items-center gap-3 border-line border-b py-2.5 pr-2 pl-4 text-sm last:border-b-0">
      <Avatar id={userId} name={name} status={connections > 0 ? 'online' : 'offline'} />
      <div className="min-w-0 grow">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <bdi className="min-w-0 break-words font-medium">{name}</bdi>
          {role !== null && role !== 'user' && <Badge tone="soft">{roleName(role)}</Badge>}
          {isBanned && <Badge tone="bad">Banned</Badge>}
        </p>
        <p className="mt-0.5 text-muted max-sm:break-words sm:truncate">
          {connections === 0 ? 'Offline' : connections === 1 ? 'Online' : `Online, ${connections} connections`} · joined{' '}
          <Ago at={createdAt} now={now} /> · {userId}
        </p>
        {banReason !== null && <p className="mt-0.5 break-words text-muted">Ban reason: {banReason}</p>}
      </div>
      {children}
    </li>
  )
}

/** What was written, once the writing paused. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return settled
}

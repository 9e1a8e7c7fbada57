/** Who is connected or was lately, from where and how, what became of one, and what an administrator may do about it. */
import { useClient, useConnection } from '@roomful/react'
import { RefreshCw } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Button } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Field } from '../../web/ui/field.tsx'
import { EndedRow, OpenRow } from './connection-rows.tsx'
import type { EndedConnection, inspectorContract } from './contract.ts'
import { listConnections, type OpenConnections } from './inspection.ts'
import { PersonMenu } from './person-menu.tsx'
import { silence } from './silent-servers.ts'
import { StoryDialog, type StoryDialogProps } from './story-dialog.tsx'

interface Listed extends OpenConnections {
  readonly ended: readonly EndedConnection[]
}

export function ConnectionsView({ onExplain }: Required<Pick<StoryDialogProps, 'onExplain'>>): ReactElement {
  const client = useClient<typeof inspectorContract>()
  const state = useConnection()
  const { data, error, reload } = useLoaded<Listed>(async () => {
    const [open, { ended }] = await Promise.all([listConnections(), client.request('connection:ended')])
    return { ...open, ended }
  })
  const [wanted, setWanted] = useState('')
  /** The connection whose story is read. */
  const [opened, setOpened] = useState<string>()
  const me = state.status === 'open' ? state.user.sub : undefined
  if (!data) return <NotLoaded what="connections" error={error} onRetry={reload} />

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
          placeholder="Name, address or namespace"
          className="min-w-56 grow sm:max-w-sm"
          value={wanted}
          onChange={({ target }) => setWanted(target.value)}
        />
        <Button icon={RefreshCw} onClick={reload}>
          Refresh
        </Button>
        <p role="status" className="pb-2 text-muted text-sm">
          {words === '' && shown.length === data.count
            ? inWords(data.count)
            : `${shown.length} of ${inWords(data.count)}`}
          {data.silent > 0 && `. ${silence(data.silent)}`}
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
              {each.userId !== me && <PersonMenu subject={each} isOnline onDone={reload} />}
            </OpenRow>
          ))}
        </ul>
      </Card>
      <h2 className="mt-6 mb-2 font-semibold text-base">Recently closed</h2>
      <Card className="overflow-hidden">
        {gone.length === 0 ? (
          <Nothing>{data.ended.length === 0 ? 'None since the server started.' : undefined}</Nothing>
        ) : (
          <ul aria-label="Recently closed connections">
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
    </>
  )
}

function inWords(count: number): string {
  return count === 1 ? '1 connection' : `${count.toLocaleString('en')} connections`
}

function Nothing({ children = 'No matches' }: { children?: string | undefined }): ReactElement {
  return <p className="px-4 py-3 text-muted text-sm">{children}</p>
}

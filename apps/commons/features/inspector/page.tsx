/**
 * What goes on inside the server, for administrators: its load over time, who is connected and was, what rooms hold,
 * and why a client did not see an event. B14, D8.
 */
import type { ReactElement } from 'react'
import { useState } from 'react'
import { InNamespace } from '../../web/session/in-namespace.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { Segments } from '../../web/ui/segments.tsx'
import { AccountsView } from './accounts-view.tsx'
import { ConnectionsView } from './connections-view.tsx'
import { ExplainView } from './explain-view.tsx'
import { LoadView } from './load-view.tsx'
import { RoomsView } from './rooms-view.tsx'
import { WebhooksView } from './webhooks-view.tsx'

type View = 'load' | 'accounts' | 'connections' | 'rooms' | 'explain' | 'webhooks'

export function Page(): ReactElement {
  const [view, setView] = useState<View>('load')
  /** Whom the question is about, when it is asked from a story. */
  const [about, setAbout] = useState<{ namespace: string; who: string }>()
  return (
    <PageBody wide>
      <PageHeader title="Inspector" description="What’s happening on this server." />
      <Segments
        label="Section"
        value={view}
        onChange={(next) => {
          setAbout(undefined)
          setView(next)
        }}
        choices={[
          { value: 'load', label: 'Load' },
          { value: 'accounts', label: 'People' },
          { value: 'connections', label: 'Connections' },
          { value: 'rooms', label: 'Rooms' },
          { value: 'explain', label: 'Explain' },
          { value: 'webhooks', label: 'Webhooks' },
        ]}
      />
      <div className="mt-4">
        <InNamespace name="/admin">
          {view === 'load' && <LoadView />}
          {view === 'accounts' && <AccountsView />}
          {view === 'connections' && (
            <ConnectionsView
              onExplain={(asked) => {
                setAbout(asked)
                setView('explain')
              }}
            />
          )}
          {view === 'rooms' && <RoomsView />}
          {view === 'explain' && <ExplainView about={about} />}
          {view === 'webhooks' && <WebhooksView />}
        </InNamespace>
      </div>
    </PageBody>
  )
}

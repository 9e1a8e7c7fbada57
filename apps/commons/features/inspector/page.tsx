/** What goes on inside the server, for administrators: its load over time, who is connected, and what rooms hold. B14, D8. */
import type { ReactElement } from 'react'
import { useState } from 'react'
import { InNamespace } from '../../web/session/in-namespace.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { Segments } from '../../web/ui/segments.tsx'
import { ConnectionsView } from './connections-view.tsx'
import { LoadView } from './load-view.tsx'
import { RoomsView } from './rooms-view.tsx'

type View = 'load' | 'connections' | 'rooms'

export function Page(): ReactElement {
  const [view, setView] = useState<View>('load')
  return (
    <PageBody wide>
      <PageHeader title="Inspector" description="This server from the inside." />
      <Segments
        label="What to look at"
        value={view}
        onChange={setView}
        choices={[
          { value: 'load', label: 'Load' },
          { value: 'connections', label: 'Connections' },
          { value: 'rooms', label: 'Rooms' },
        ]}
      />
      <div className="mt-4">
        <InNamespace name="/admin">
          {view === 'load' ? <LoadView /> : view === 'connections' ? <ConnectionsView /> : <RoomsView />}
        </InNamespace>
      </div>
    </PageBody>
  )
}

/** Documents that several people write at once. B36. */
import { RoomfulProvider } from '@roomful/react'
import type { ReactElement } from 'react'
import { Route, Switch } from 'wouter'
import { useSession } from '../../web/session/session-gate.tsx'
import { DocumentView } from './document-view.tsx'
import { ListView } from './list-view.tsx'

export function Page(): ReactElement | null {
  const session = useSession()
  if (session?.kind !== 'user') return null
  return (
    <RoomfulProvider namespace="/documents">
      <Switch>
        <Route path="/:documentId">
          {({ documentId }) => <DocumentView key={documentId} documentId={decode(documentId)} user={session.user} />}
        </Route>
        <Route>
          <ListView />
        </Route>
      </Switch>
    </RoomfulProvider>
  )
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The lobby, and each table behind it. B24. */
import type { ReactElement } from 'react'
import { Route, Switch, useLocation, useParams } from 'wouter'
import { LobbyPage } from './lobby-page.tsx'
import { pathOf, roomOf } from './paths.ts'
import { TablePage } from './table-page.tsx'

export function Page(): ReactElement {
  return (
    <Switch>
      <Route path="/:id">
        <AtTable />
      </Route>
      <Route>
        <InLobby />
      </Route>
    </Switch>
  )
}

function InLobby(): ReactElement {
  const [, go] = useLocation()
  return <LobbyPage onOpen={(roomId) => go(pathOf(roomId))} />
}

function AtTable(): ReactElement {
  const { id = '' } = useParams<{ id: string }>()
  const [, go] = useLocation()
  return <TablePage key={id} roomId={roomOf(id)} onLeave={() => go('/')} />
}

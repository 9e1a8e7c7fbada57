/** The same page with the official Socket.IO client. */
import { StrictMode, useSyncExternalStore } from 'react'
import { createRoot } from 'react-dom/client'
import { Lobby, ROOM, visitorName } from './lobby.tsx'
import { LobbyStore } from './lobby-store.ts'

/** Outside React, so that a second mount finds it. */
const lobby = new LobbyStore(ROOM, visitorName())

function Page() {
  const { connection, members, messages } = useSyncExternalStore(lobby.subscribe, lobby.getSnapshot)
  return (
    <Lobby
      connection={connection}
      members={members.map(({ name }) => name)}
      messages={messages.map(({ seq, name, content }) => ({ key: `${seq}`, name, content }))}
      send={lobby.send}
    />
  )
}

createRoot(document.getElementById('app') as HTMLElement).render(
  <StrictMode>
    <Page />
  </StrictMode>,
)

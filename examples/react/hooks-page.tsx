/** The page with Roomful's hooks. */
import { RoomfulProvider, useConnection, useMessages, usePresence } from '@roomful/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Lobby, ROOM, visitorName } from './lobby.tsx'

function Page() {
  const { status } = useConnection()
  const { members } = usePresence(ROOM)
  const { messages, send } = useMessages(ROOM)
  return (
    <Lobby
      connection={status}
      members={members.map(({ name }) => name)}
      messages={messages.map(({ localId, name, content }) => ({
        key: localId,
        name: name ?? '',
        content: content ?? '',
      }))}
      send={send}
    />
  )
}

createRoot(document.getElementById('app') as HTMLElement).render(
  <StrictMode>
    <RoomfulProvider url="/" options={{ name: visitorName() }}>
      <Page />
    </RoomfulProvider>
  </StrictMode>,
)

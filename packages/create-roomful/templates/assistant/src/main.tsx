import { RoomfulProvider } from '@roomful/react'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Assistant } from './assistant.tsx'

const name = `Visitor ${Math.floor(Math.random() * 1000)}`

createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <RoomfulProvider url={location.origin} options={{ namespace: '/chat', name }}>
      <Assistant roomId="room-lobby" />
    </RoomfulProvider>
  </StrictMode>,
)

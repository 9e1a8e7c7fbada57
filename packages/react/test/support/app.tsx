/** A real server and components that talk to it: what the tests of the hooks begin with. */

import { Client, type ClientOptions } from '@roomful/client'
import { type CreateOptions, createRoomful, type Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { cleanup, render } from '@testing-library/react'
import { type ReactNode, StrictMode } from 'react'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { RoomfulProvider } from '../../src/index.ts'

export interface App {
  readonly roomful: Roomful
  readonly url: string
  /** Connections that were opened so far, by user. */
  readonly opened: string[]
  /** Rooms entered and left so far, as `+Ann lobby` and `-Ann lobby`. */
  readonly moves: string[]
  /** Renders a page, under Strict Mode. */
  show(name: string, what: ReactNode): ReturnType<typeof render>
  /** A client without a page. */
  visitor(name: string): Client
}

export async function startApp(settings: CreateOptions = {}): Promise<App> {
  const opened: string[] = []
  const moves: string[] = []
  const roomful = createRoomful({
    data: ':memory:',
    jwtSecret: 'x'.repeat(32),
    ratePerSecond: 0,
    ratePerMinute: 0,
    ...settings,
  }).standardNamespaces()
  const namespace = roomful.get('/public')
  namespace.hook('connect', (connection) => opened.push(connection.user.name))
  namespace.hook('join', (connection, roomId) => moves.push(`+${connection.user.name} ${roomId}`))
  namespace.hook('leave', (connection, roomId) => moves.push(`-${connection.user.name} ${roomId}`))
  const { url } = await roomful.listen({ port: 0 })
  const optionsOf = (name: string): ClientOptions => ({ namespace: '/public', name, WebSocket, random: () => 0 })
  onTestFinished(async () => {
    cleanup()
    await roomful.close()
  })
  return {
    ...{ roomful, url, opened, moves },
    show(name, what) {
      return render(
        <StrictMode>
          <RoomfulProvider url={url} options={optionsOf(name)}>
            {what}
          </RoomfulProvider>
        </StrictMode>,
      )
    },
    visitor(name) {
      const client = new Client(url, optionsOf(name))
      onTestFinished(() => client.close())
      return client
    },
  }
}

/** Cuts a client's network for a moment: for one second, since there is no random jitter here. */
export function cutLinks({ roomful }: App, name: string): void {
  for (const link of [...hubOf(roomful).links.open]) {
    if (link.connections.some(({ user }) => user.name === name)) link.terminate('cable cut')
  }
}

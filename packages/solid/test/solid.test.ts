/** The primitives in a root, as a browser runs them, against a real server. */
import { connect } from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import { createRoot, createSignal } from 'solid-js'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RoomfulProvider, useClient, useConnection, useEvent, useMessages, useRoom } from '../src/index.ts'

// Node is given the build for servers, which runs no effects.
vi.mock('solid-js', () => vi.importActual('solid-js/dist/solid.js'))

/** Longer than by default: the machine may be busy. */
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 8_000 })

let server: Roomful
let url: string
beforeEach(async () => {
  server = createRoomful({ data: ':memory:', port: 0 }).standardNamespaces()
  url = (await server.listen({ host: '127.0.0.1' })).url
})
afterEach(() => server.close())

it('[B21] show a room and its messages, follow another room, and leave', async () => {
  const client = connect(url, { namespace: '/public', name: 'Ann' })
  const [roomId, setRoomId] = createSignal('red')
  const events: string[] = []
  const page = createRoot((dispose) => {
    let inside: ReturnType<typeof component> | undefined
    const component = () => {
      useEvent('message:new', ({ content }) => void events.push(content), roomId)
      return { connection: useConnection(), room: useRoom(roomId), chat: useMessages(roomId), dispose }
    }
    RoomfulProvider({
      client,
      get children() {
        inside = component()
        return null
      },
    })
    return inside
  })
  if (!page) throw new Error('the provider did not render its children')
  await until(() => expect([page.connection().status, page.room.state().count]).toEqual(['open', 1]))
  page.chat.send('Hello')
  await until(() => expect(page.chat.state().messages.map(({ content }) => content)).toEqual(['Hello']))
  await until(() => expect(events).toEqual(['Hello']))
  setRoomId('blue')
  await until(() => expect(page.room.room()?.id).toBe('blue'))
  await until(() => expect(server.get('/public').userCount('red')).toBe(0))
  await until(() => expect(server.get('/public').userCount('blue')).toBe(1))
  page.dispose()
  await until(() => expect(server.get('/public').userCount('blue')).toBe(0))
  client.close()
})

it('says what is missing without a provider', () => {
  expect(() => createRoot(() => useClient())).toThrow(/no <RoomfulProvider>/)
})

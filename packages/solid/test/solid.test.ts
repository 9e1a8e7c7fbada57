/** The primitives in a root, as a browser runs them, against a real server. */
import { type Client, connect } from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import { createRoot, createSignal } from 'solid-js'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import {
  RoomfulProvider,
  useClient,
  useConnection,
  useEvent,
  useMessages,
  useRoom,
  useRoomState,
  useUnread,
} from '../src/index.ts'

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

/** What a component inside a provider has. */
function mounted<T>(client: Client, component: (dispose: () => void) => T): T {
  return createRoot((dispose) => {
    const inside: T[] = []
    RoomfulProvider({
      client,
      get children() {
        inside.push(component(dispose))
        return null
      },
    })
    return inside[0] as T
  })
}

it('[B21] show a room and its messages, follow another room, and leave', async () => {
  const client = connect(url, { namespace: '/public', name: 'Ann' })
  const [roomId, setRoomId] = createSignal('red')
  const events: string[] = []
  const page = mounted(client, (dispose) => {
    useEvent('message:new', ({ content }) => void events.push(content), roomId)
    return { connection: useConnection(), room: useRoom(roomId), chat: useMessages(roomId), dispose }
  })
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

it('[D17] show what members say of themselves, the state of a room and what is unread, and change all three', async () => {
  const [client, other] = ['Ann', 'Ben'].map((name) => connect(url, { namespace: '/public', name })) as [Client, Client]
  const theirs = other.room('red')
  await theirs.ready
  await theirs.send('Hello')
  const [mood, setMood] = createSignal({ mood: 'fine' })
  const red = () => 'red'
  const page = mounted(client, (dispose) => {
    return { room: useRoom(red, mood), state: useRoomState(red), unread: useUnread(() => ['red']), dispose }
  })
  const now = () => ({
    mood: page.room.state().members.find(({ name }) => name === 'Ann')?.state,
    votes: page.state.state().state.votes,
    unread: page.unread.rooms().get('red')?.unread,
  })
  await until(() => expect(now()).toEqual({ mood: { mood: 'fine' }, votes: undefined, unread: 1 }))
  setMood({ mood: 'great' })
  await page.state.add('votes')
  await page.unread.markRead('red')
  await until(() => expect(now()).toEqual({ mood: { mood: 'great' }, votes: 1, unread: 0 }))
  page.dispose()
  client.close()
  other.close()
})

it('says what is missing without a provider', () => {
  expect(() => createRoot(() => useClient())).toThrow(/no <RoomfulProvider>/)
})

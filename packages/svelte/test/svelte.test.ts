/** The stores, against a real server. */
import { type Client, connect } from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import type { Readable } from 'svelte/store'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { connection, messages, room, roomState, unread } from '../src/index.ts'

/** Longer than by default: the machine may be busy. */
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 8_000 })

let server: Roomful
let url: string
beforeEach(async () => {
  server = createRoomful({ data: ':memory:', port: 0 }).standardNamespaces()
  url = (await server.listen({ host: '127.0.0.1' })).url
})
afterEach(() => server.close())

/** Subscribes as a component does with `$store`. */
function shown<T>(store: Readable<T>): { value: T | undefined; stop: () => void } {
  const result: { value: T | undefined; stop: () => void } = { value: undefined, stop: () => undefined }
  result.stop = store.subscribe((value) => {
    result.value = value
  })
  return result
}

it('[B21] hold what a room has as long as there is a subscriber', async () => {
  const client = connect(url, { namespace: '/public', name: 'Ann' })
  const lobby = room(client, 'lobby')
  const chat = messages(client, 'lobby')
  const seen = { connection: shown(connection(client)), lobby: shown(lobby), chat: shown(chat) }
  await until(() => expect([seen.connection.value?.status, seen.lobby.value?.count]).toEqual(['open', 1]))
  chat.send('Hello')
  await until(() => expect(seen.chat.value?.messages.map(({ content }) => content)).toEqual(['Hello']))
  expect(lobby.current?.id).toBe('lobby')
  seen.lobby.stop()
  seen.chat.stop()
  expect(lobby.current).toBeUndefined()
  await until(() => expect(server.get('/public').userCount('lobby')).toBe(0))
  const again = shown(lobby)
  await until(() => expect(again.value?.count).toBe(1))
  again.stop()
  seen.connection.stop()
  client.close()
})

it('[D17] hold what members say of themselves, the state of a room and what is unread, and change all three', async () => {
  const [client, other] = ['Ann', 'Ben'].map((name) => connect(url, { namespace: '/public', name })) as [Client, Client]
  const theirs = other.room('red')
  await theirs.ready
  await theirs.send('Hello')
  const stores = {
    red: room(client, 'red', { mood: 'fine' }),
    state: roomState(client, 'red'),
    unread: unread(client, ['red']),
  }
  const seen = { red: shown(stores.red), state: shown(stores.state), unread: shown(stores.unread) }
  const now = () => ({
    mood: seen.red.value?.members.find(({ name }) => name === 'Ann')?.state,
    votes: seen.state.value?.state.votes,
    unread: seen.unread.value?.get('red')?.unread,
  })
  await until(() => expect(now()).toEqual({ mood: { mood: 'fine' }, votes: undefined, unread: 1 }))
  stores.red.current?.setPresence({ mood: 'great' })
  await stores.state.add('votes')
  await stores.unread.markRead('red')
  await until(() => expect(now()).toEqual({ mood: { mood: 'great' }, votes: 1, unread: 0 }))
  for (const { stop } of Object.values(seen)) stop()
  client.close()
  other.close()
})

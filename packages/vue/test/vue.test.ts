// @vitest-environment happy-dom
/** The composables in a mounted app, against a real server. */
import { connect } from '@roomful/client'
import { createRoomful, type Roomful } from '@roomful/server'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createApp, createSSRApp, defineComponent, h, ref } from 'vue'
import { renderToString } from 'vue/server-renderer'
import { WebSocket } from 'ws'
import {
  roomful as plugin,
  useClient,
  useConnection,
  useEvent,
  useMessages,
  useRoom,
  useRoomState,
  useUnread,
} from '../src/index.ts'

/** Longer than by default: the machine may be busy. */
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 8_000 })

let server: Roomful
let url: string
beforeEach(async () => {
  server = createRoomful({ data: ':memory:', port: 0 }).standardNamespaces()
  url = (await server.listen({ host: '127.0.0.1' })).url
})
afterEach(() => server.close())

const open = (name: string) => connect(url, { namespace: '/public', name, WebSocket: WebSocket as never })

it('[B21] show a room and its messages while mounted, follow another room, and leave', async () => {
  const roomId = ref('red')
  const events: string[] = []
  let send: (content: string) => void = () => undefined
  const Page = defineComponent(() => {
    const connection = useConnection()
    const { state } = useRoom(roomId)
    const messages = useMessages(roomId)
    useEvent('message:new', ({ content }) => void events.push(content), roomId)
    send = messages.send
    return () =>
      h(
        'p',
        `${connection.value.status} ${state.value.count} ${messages.state.value.messages.map((m) => m.content).join()}`,
      )
  })
  const client = open('Ann')
  const app = createApp(Page).use(plugin(client))
  const place = document.createElement('div')
  app.mount(place)
  await until(() => expect(place.textContent).toBe('open 1 '))
  send('Hello')
  await until(() => expect(place.textContent).toBe('open 1 Hello'))
  await until(() => expect(events).toEqual(['Hello']))
  roomId.value = 'blue'
  await until(() => expect(server.get('/public').userCount('blue')).toBe(1))
  await until(() => expect(place.textContent).toBe('open 1 '))
  await until(() => expect(server.get('/public').userCount('red')).toBe(0))
  app.unmount()
  await until(() => expect(server.get('/public').userCount('blue')).toBe(0))
  client.close()
})

it('[D17] show what members say of themselves, the state of a room and what is unread, and change all three', async () => {
  const other = open('Ben')
  const theirs = other.room('red')
  await theirs.ready
  await theirs.send('Hello')
  const mood = ref({ mood: 'fine' })
  const shown: { moods?: unknown; votes?: unknown; unread?: number } = {}
  let add: (name: string) => Promise<unknown> = () => Promise.reject(new Error('not mounted'))
  let markRead: (roomId: string) => Promise<void> = () => Promise.reject(new Error('not mounted'))
  const Page = defineComponent(() => {
    const { state } = useRoom('red', mood)
    const room = useRoomState('red')
    const unread = useUnread(() => ['red'])
    add = room.add
    markRead = unread.markRead
    return () => {
      const ann = state.value.members.find(({ name }) => name === 'Ann')
      Object.assign(shown, {
        moods: ann?.state,
        votes: room.state.value.state.votes,
        unread: unread.rooms.value.get('red')?.unread,
      })
      return h('p')
    }
  })
  const client = open('Ann')
  const app = createApp(Page).use(plugin(client))
  app.mount(document.createElement('div'))
  await until(() => expect(shown).toEqual({ moods: { mood: 'fine' }, votes: undefined, unread: 1 }))
  mood.value = { mood: 'great' }
  await add('votes')
  await markRead('red')
  await until(() => expect(shown).toEqual({ moods: { mood: 'great' }, votes: 1, unread: 0 }))
  await until(() => expect(theirs.members.find(({ name }) => name === 'Ann')?.state).toEqual({ mood: 'great' }))
  app.unmount()
  client.close()
  other.close()
})

it('join nothing while a server renders, and say what is missing without a client', async () => {
  const client = open('Ann')
  const Page = defineComponent(() => {
    const { state } = useRoom('red')
    return () => h('p', state.value.status)
  })
  expect(await renderToString(createSSRApp(Page).use(plugin(client)))).toBe('<p>waiting</p>')
  await until(() => expect(client.state.status).toBe('open'))
  expect(server.get('/public').userCount('red')).toBe(0)
  client.close()
  const Lost = defineComponent(() => {
    useClient()
    return () => h('p')
  })
  const app = createApp(Lost)
  app.config.warnHandler = () => undefined
  expect(() => app.mount(document.createElement('div'))).toThrow(/app\.use\(roomful\(client\)\)/)
})

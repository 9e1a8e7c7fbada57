/** What the parts of an application need of a namespace that is not theirs alone. D16. */
import { createRoomful, defineContract, event } from '@roomful/server'
import { createTestServer } from '@roomful/testkit'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const marks = defineContract({
  client: { mark: event({ data: z.object({ roomId: z.string(), text: z.string() }) }) },
  server: { marked: event({ data: z.object({ text: z.string() }), durable: true }) },
})
const waves = defineContract({
  client: { wave: event({}) },
  server: { waved: event({ data: z.object({ at: z.number() }) }) },
})

describe('a namespace with several contracts', () => {
  it('[D5] speaks the events of each beside the room vocabulary', async () => {
    await using server = await createTestServer({
      setUp: (roomful) => {
        const marked = roomful.standardNamespaces().get('/').extend(marks)
        marked.on('mark', (context, { roomId, text }) => context.append(roomId, 'marked', { text }))
        const waved = roomful.get('/').extend(waves)
        waved.on('wave', () => waved.emit('waved', { at: 1 }))
      },
    })
    const ann = await server.connect({ user: 'ann' })
    await ann.request('room:join', 'wall')
    await ann.request('mark', { roomId: 'wall', text: 'here' })
    await ann.request('wave')
    await ann.request('message:send', { roomId: 'wall', content: 'hello' })

    expect(await ann.next('marked')).toMatchObject({ text: 'here', roomId: 'wall', seq: 1 })
    expect(await ann.next('waved')).toMatchObject({ at: 1 })
    expect(await ann.next('chat:message')).toMatchObject({ content: 'hello', seq: 2 })
    const { error } = await ann.request('mark', { roomId: 'wall' })
    expect(error).toMatchObject({ code: 'INVALID_MESSAGE', field: 'text' })
  })

  it('[D5] refuses a second declaration of an event, and names a namespace that is not there', async () => {
    await createTestServer({
      setUp: (roomful) => {
        const root = roomful.standardNamespaces().get('/')
        root.extend(waves)
        expect(() => root.extend(waves)).toThrow('/ declares a client event "wave" already')
        expect(() => root.extend({ client: {}, server: { waved: event({}) } })).toThrow('server event "waved"')
        expect(() => roomful.get('/nowhere')).toThrow('There is no namespace /nowhere')
      },
    })
  })
})

describe('who is in a room', () => {
  it('[C13] [B25] is told once per user: the first connection enters, the last one exits', async () => {
    const heard: string[] = []
    await using server = await createTestServer()
    const root = server.get('/')
    root.hook('enter', (user, roomId) => heard.push(`${user.name} enters ${roomId}`))
    root.hook('exit', (user, roomId, reason) => heard.push(`${user.name} exits ${roomId}: ${reason}`))
    const phone = await server.connect({ user: 'ann' })
    const desk = await server.connect({ user: 'ann' })
    await phone.request('room:join', 'hall')
    await desk.request('room:join', 'hall')
    expect(root.userCount('hall')).toBe(1)
    expect([root.hasUser('hall', 'ann'), root.hasUser('hall', 'bob')]).toEqual([true, false])
    phone.cut()
    await server.settle()
    await desk.request('room:leave', 'hall')
    expect(heard).toEqual(['ann enters hall', 'ann exits hall: left'])
    expect(root.userCount('hall')).toBe(0)
  })

  it('[G6] a member that can resume exits when its grace is over', async () => {
    const heard: string[] = []
    await using server = await createTestServer()
    server.get('/').hook('exit', (user, _roomId, reason) => heard.push(`${user.name}: ${reason}`))
    const ann = await server.connect({ user: 'ann', dialect: 'v1' })
    await ann.request('room:join', 'hall')
    ann.cut()
    await server.advance(4_000)
    expect(heard).toEqual([])
    await server.advance(2_000)
    expect(heard).toEqual(['ann: timeout'])
  })

  it('[B38] a listener that throws is reported with the user it was about', async () => {
    await using server = await createTestServer()
    server.get('/').hook('enter', () => {
      throw new Error('not today')
    })
    const ann = await server.connect({ user: 'ann' })
    expect((await ann.request('room:join', 'hall')).data).toMatchObject({ status: 'ok' })
    expect(server.observed('handler:failed')).toMatchObject([{ event: 'enter', userId: 'ann', connectionId: '' }])
  })
})

it('[B25] a namespace reads a room’s log page by page', async () => {
  await using server = await createTestServer()
  const root = server.get('/')
  const stored = [1, 2, 3].map((count) => root.publish('wall', 'counted', [{ count }]))
  await server.settle()
  expect(await Promise.all(stored)).toHaveLength(3)
  expect(await root.history('wall', { limit: 2 })).toMatchObject({
    events: [
      { type: 'counted', count: 2, seq: 2 },
      { type: 'counted', count: 3, seq: 3 },
    ],
    more: true,
  })
})

describe('what runs while the server is open', () => {
  it('[G7] begins with the storage and ends, last one first, while events can still be stored', async () => {
    const heard: string[] = []
    const roomful = createRoomful({ data: ':memory:', port: 0 }).standardNamespaces()
    roomful.whileOpen((closing) => {
      heard.push('first begins')
      closing.addEventListener('abort', () => heard.push('closing'))
      return () => void heard.push('first ends')
    })
    roomful.whileOpen(() => async () => {
      const { seq } = await roomful.get('/').publish('log', 'last-words', [])
      heard.push(`second ends with number ${seq}`)
    })
    expect(heard).toEqual([])
    await roomful.listen()
    expect(() => roomful.whileOpen(() => undefined)).toThrow('before it starts')
    await roomful.close()
    expect(heard).toEqual(['first begins', 'closing', 'second ends with number 1', 'first ends'])
  })

  it('[G7] closes the rest when one end throws, and says so', async () => {
    const heard: string[] = []
    const roomful = createRoomful({ data: ':memory:', port: 0 }).standardNamespaces()
    roomful.whileOpen(() => () => void heard.push('ended'))
    roomful.whileOpen(() => () => {
      throw new Error('stuck')
    })
    await roomful.listen()
    await expect(roomful.close()).rejects.toThrow('could be ended')
    expect(heard).toEqual(['ended'])
  })
})

describe('what the house stores in a user’s inbox', () => {
  it('[B23] reaches them at once, or at the next connect, and once', async () => {
    await using server = await createTestServer()
    const say = async (count: number): Promise<void> => {
      const stored = server.get('/').publish('user:ann', 'order:sent', [{ count }])
      await server.settle()
      await stored
    }
    await say(1)
    const ann = await server.connect({ user: 'ann' })
    await say(2)
    expect(ann.messages('order:sent')).toMatchObject([{ count: 1 }, { count: 2 }])
    ann.close()
    await say(3)
    const again = await server.connect({ user: 'ann' })
    expect(again.messages('order:sent')).toMatchObject([{ count: 3 }])
  })
})

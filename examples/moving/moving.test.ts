/** Applications that moved: one client on both servers for `ws`, and our side of what Pusher and Ably did. */
import { connect } from '@roomful/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createServer } from './hosted-server.ts'
import { startAfter } from './ws-after.ts'
import { startBefore } from './ws-before.ts'
import { openChat } from './ws-client.ts'

describe.each([
  ['ws', startBefore],
  ['Roomful', startAfter],
])('the client of ws, unmodified, on %s', (_name, start) => {
  it('[A1.1] [A1.2] [A1.4] [A1.5] [A2.1] joins, is seen, talks, lists, leaves', async () => {
    const { url, close } = await start()
    onTestFinished(close)
    const ann = openChat(url, 'Ann')
    const ben = openChat(url, 'Ben')
    onTestFinished(() => {
      for (const client of [ann, ben]) client.close()
    })
    ann.send({ type: 'join', room: 'lobby' })
    expect(await ann.next('joined')).toMatchObject({ room: 'lobby' })
    expect(await ann.next('presence_update')).toMatchObject({ users: ['Ann'] })
    ben.send({ type: 'join', room: 'lobby' })
    await ben.next('joined')
    expect(await ann.next('presence_update')).toMatchObject({ users: ['Ann', 'Ben'] })
    ben.send({ type: 'message', text: 'Hello' })
    expect(await ann.next('message')).toMatchObject({ room: 'lobby', from: 'Ben', text: 'Hello' })
    ann.send({ type: 'list' })
    expect(await ann.next('rooms')).toMatchObject({ rooms: [{ room: 'lobby', members: 2 }] })
    ben.send({ type: 'leave' })
    expect(await ben.next('left')).toMatchObject({ room: 'lobby' })
    ben.send({ type: 'message', text: 'Anyone?' })
    expect(await ben.next('error')).toMatchObject({ code: 'NOT_IN_ROOM' })
  })
})

describe('what was a channel of Pusher or Ably', () => {
  const API_KEY = 'an-api-key-of-this-test-only'
  const findUser = (token: string | undefined) => (token === 'ann' ? { sub: 'ann', name: 'Ann' } : undefined)

  async function start() {
    const roomful = createServer(findUser, API_KEY)
    const { url } = await roomful.listen({ port: 0 })
    onTestFinished(() => roomful.close())
    const publish = (roomId: string, event: string, data: unknown, key?: string) =>
      fetch(`${url}/api/server/publish`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${API_KEY}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ roomId, event, data, ...(key && { key }) }),
      })
    const open = (options: { token?: string; name?: string }) => {
      const client = connect(url, options)
      onTestFinished(() => client.close())
      return client
    }
    return { publish, open }
  }

  it('[D2] is subscribed to, published to from the backend, and brings what was published before', async () => {
    const { publish, open } = await start()
    for (const price of [1, 2]) expect((await publish('prices', 'price', { price }, `price-${price}`)).status).toBe(200)
    // A repeat under its key adds nothing: message ids of Ably.
    expect((await publish('prices', 'price', { price: 2 }, 'price-2')).status).toBe(200)
    const client = open({ name: 'Guest' })
    const room = client.room('prices')
    const page = await room.history({ limit: 10 })
    expect(page.events.map(({ meta }) => meta.seq)).toEqual([1, 2])
    const next = new Promise((resolve) => room.on('price', resolve))
    await publish('prices', 'price', { price: 3 })
    expect(await next).toMatchObject({ price: 3, seq: 3 })
  })

  it('[D19] is private to those whom the application knows, with presence', async () => {
    const { open } = await start()
    const ann = open({ token: 'ann' }).room('team-1')
    const noted = new Promise((resolve) => ann.on('note', resolve))
    const stranger = open({ name: 'Stranger' }).room('team-1')
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (stranger.getSnapshot().status === 'refused' && ann.getSnapshot().status === 'joined') resolve()
      }
      ann.subscribe(look)
      stranger.subscribe(look)
      look()
    })
    expect(stranger.getSnapshot().error).toMatchObject({ code: 'FORBIDDEN' })
    expect(ann.getSnapshot().members.map(({ name }) => name)).toEqual(['Ann'])
    expect(await open({ token: 'ann' }).request('note', { roomId: 'team-1', text: 'Hi' })).toEqual({ seq: 1 })
    expect(await noted).toMatchObject({ text: 'Hi', by: 'Ann', seq: 1 })
  })
})

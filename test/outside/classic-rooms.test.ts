/** The four classic commands as a stranger types them, in `/public` as a guest and in `/ws` with a token. PROTOCOL.md 5. */
import { describe, expect, it } from 'vitest'
import { type Client, guest, user } from './lib/client.ts'
import type { Frame } from './lib/match.ts'
import { UNLIMITED } from './lib/server.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

const CLASSIC_TYPES = ['joined', 'left', 'rooms', 'message', 'presence_update', 'error', 'welcome', 'pong']

describe.each([
  ['/ws/public', (name: string) => guest(server, name)],
  ['/ws', (name: string) => user(server, name)],
])('classic on %s', (path, arrive) => {
  const unique = (name: string): string => `${name}${path.replaceAll('/', '-')}`

  async function join(client: Client, room: string): Promise<Frame> {
    client.send({ type: 'join', room })
    const joined = await client.next({ type: 'joined', room })
    await client.next((frame) => frame.type === 'presence_update' && frame.room === room)
    return joined
  }

  async function trio(room: string): Promise<[Client, Client, Client]> {
    const all = (await Promise.all(['ann', 'ben', 'cem'].map((name) => arrive(`${name}-${room}`)))) as [
      Client,
      Client,
      Client,
    ]
    for (const client of all) await join(client, room)
    return all
  }

  it('[A1.1] a join is answered with the room, its epoch and its position', async () => {
    const room = unique('first')
    const ann = await arrive(unique('ann-first'))
    expect(await join(ann, room)).toMatchObject({ type: 'joined', room, epoch: expect.any(String), seq: 0 })
  })

  it('[A1.1] a join leaves the current room: no more of its messages, and its members see it', async () => {
    const [x, y] = [unique('x'), unique('y')]
    const [ann, ben, cem] = await trio(x)
    await cem.settled()
    for (const client of [ann, ben, cem]) client.forget()

    await join(ann, y)
    const seen = await ben.next({ type: 'presence_update', room: x })
    expect(seen.users).toEqual(expect.arrayContaining([`ben-${x}`, `cem-${x}`]))
    expect(seen.users).toHaveLength(2)

    ben.send({ type: 'message', text: 'only for x' })
    await cem.next({ type: 'message', text: 'only for x' })
    await ann.settled()
    expect(ann.unread('message')).toEqual([])
  })

  it('[A1.2] a message goes to the others with room, from, text, ts and seq, and not to its sender', async () => {
    const room = unique('talk')
    const [ann, ben, cem] = await trio(room)
    const before = Date.now()
    ann.send({ type: 'message', text: 'hello <b>you</b> \n 🙂' })
    for (const client of [ben, cem]) {
      const message = await client.next('message')
      expect(message).toEqual({
        type: 'message',
        room,
        from: `ann-${room}`,
        text: 'hello <b>you</b> \n 🙂',
        ts: expect.any(Number),
        seq: 1,
      })
      expect(message.ts).toBeGreaterThanOrEqual(before - 1000)
      expect(message.ts).toBeLessThanOrEqual(Date.now() + 1000)
    }
    await ann.settled()
    expect(ann.unread('message')).toEqual([])
  })

  it('[A1.2] [C21] messages of a room are numbered one by one and arrive in that order', async () => {
    const room = unique('order')
    const [ann, ben, cem] = await trio(room)
    for (let i = 0; i < 20; i++) (i % 2 ? ann : ben).send({ type: 'message', text: `m${i}` })
    const seen: Frame[] = []
    for (let i = 0; i < 20; i++) seen.push(await cem.next('message'))
    expect(seen.map((message) => message.seq)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    expect(seen.filter((m) => m.from === `ann-${room}`).map((m) => m.text)).toEqual(
      [1, 3, 5, 7, 9, 11, 13, 15, 17, 19].map((i) => `m${i}`),
    )
  })

  it('[A1.3] leave answers left, and presence says so to those who stay', async () => {
    const room = unique('leave')
    const [ann, ben, cem] = await trio(room)
    await cem.settled()
    ben.forget()
    ann.send({ type: 'leave' })
    expect(await ann.next('left')).toEqual({ type: 'left', room })
    const seen = await ben.next({ type: 'presence_update', room })
    expect([...(seen.users as string[])].sort()).toEqual([`ben-${room}`, `cem-${room}`])
    ben.send({ type: 'message', text: 'gone?' })
    await cem.next('message')
    await ann.settled()
    expect(ann.unread('message')).toEqual([])
  })

  it('[A1.4] list answers active rooms with their numbers of members, and forgets an emptied room', async () => {
    const room = unique('listed')
    const [ann, ben, cem] = await trio(room)
    const rooms = async (client: Client): Promise<{ room: string; members: number }[]> => {
      client.send({ type: 'list' })
      return (await client.next('rooms')).rooms as { room: string; members: number }[]
    }
    expect(await rooms(ann)).toContainEqual({ room, members: 3 })
    await ben.close()
    await cem.terminate()
    await ann.next((frame) => frame.type === 'presence_update' && (frame.users as string[]).length === 1)
    expect(await rooms(ann)).toContainEqual({ room, members: 1 })
    ann.send({ type: 'leave' })
    await ann.next('left')
    const left = await rooms(ann)
    expect(left.map((entry) => entry.room)).not.toContain(room)
    expect(left.filter((entry) => /^(user:|c_)/.test(entry.room))).toEqual([])
  })

  it('[A1.5] a message outside any room is NOT_IN_ROOM, and the connection stays open', async () => {
    const ann = await arrive(unique('ann-lost'))
    ann.send({ type: 'message', text: 'anyone?' })
    expect(await ann.next('error')).toMatchObject({
      type: 'error',
      code: 'NOT_IN_ROOM',
      message: expect.stringMatching(/room/i),
    })
    await join(ann, unique('found'))
    ann.send({ type: 'leave' })
    await ann.next('left')
    ann.send({ type: 'message', text: 'and now?' })
    expect(await ann.next('error')).toMatchObject({ code: 'NOT_IN_ROOM' })
    await ann.settled()
  })

  it('[A1.1] a classic connection hears only classic frames', async () => {
    const room = unique('pure')
    const [ann, ben] = await trio(room)
    ann.forget()
    ben.send({ type: 'message', text: 'hi' })
    await ann.next('message')
    const other = await arrive(unique('late-pure'))
    await join(other, room)
    await other.close()
    await ann.settled()
    expect(ann.unread((frame) => !CLASSIC_TYPES.includes(frame.type))).toEqual([])
  })

  it('[A1.1] a wrong shape is refused with the name of the field and changes nothing', async () => {
    const room = unique('shape')
    const [ann, ben] = await trio(room)
    ann.send({ type: 'join', room: 7 })
    expect(await ann.next('error')).toMatchObject({ message: expect.stringMatching(/room/) })
    ann.send({ type: 'join', room: '' })
    expect(await ann.next('error')).toMatchObject({ code: 'ROOM_NAME_INVALID' })
    ann.send({ type: 'message', text: { no: 'object' } })
    expect(await ann.next('error')).toMatchObject({ code: 'INVALID_MESSAGE', message: expect.stringMatching(/text/) })
    ann.send({ type: 'message', text: 'still here' })
    expect(await ben.next('message')).toMatchObject({ text: 'still here' })
  })
})

/** Coming back: exactly the missed events, in order, once, or a plain word on why not. G4, C18, C21, restarts included. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, user } from './lib/client.ts'
import type { Frame } from './lib/match.ts'
import { Server, UNLIMITED } from './lib/server.ts'

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

async function say(client: Client, roomId: string, from: number, to: number): Promise<void> {
  for (const i of range(from, to)) await client.ok('chat:message', { roomId, content: `m${i}` })
}

/** Numbers of the room's events that came, after everything queued has arrived. */
async function seqsOf(client: Client, roomId: string): Promise<number[]> {
  await client.settled()
  return client.received.filter((frame) => frame.roomId === roomId && typeof frame.seq === 'number').map(seqOf)
}
const seqOf = (frame: Frame): number => frame.seq as number

describe('on a server with small limits', () => {
  let server: Server
  beforeAll(async () => {
    server = await Server.start({
      env: { ...UNLIMITED, ROOMFUL_RETENTION: '30', ROOMFUL_REPLAY_MAX: '20', ROOMFUL_HISTORY_SIZE: '5' },
    })
  })
  afterAll(() => server.dispose())

  it('[C18] a join after a position brings exactly what was missed, in order, before what is new', async () => {
    const [ann, ben] = [await user(server, 'r-ann'), await user(server, 'r-ben')]
    const { epoch } = await ben.ok('room:join', { roomId: 'r' })
    await say(ann, 'r', 1, 3)
    await ben.next({ content: 'm3' })
    await ben.terminate()
    await say(ann, 'r', 4, 15)
    const back = await user(server, 'r-ben')
    const joining = back.ok('room:join', { roomId: 'r', after: { epoch, seq: 3 } })
    await say(ann, 'r', 16, 20)
    expect(await joining).toMatchObject({ recovered: true, epoch })
    await back.next({ seq: 20 })
    expect(await seqsOf(back, 'r')).toEqual(range(4, 20))
    expect(back.received.filter((frame) => frame.type === 'reset')).toEqual([])
  })

  it('[C18] a position without epoch will do, also the very beginning and the very end', async () => {
    const ann = await user(server, 'p-ann')
    await say(ann, 'p', 1, 6)
    for (const [after, missed] of [
      [4, [5, 6]],
      [0, range(1, 6)],
      [6, []],
    ] as const) {
      const back = await user(server, `p-back-${after}`)
      expect(await back.ok('room:join', { roomId: 'p', after })).toMatchObject({ recovered: true, seq: 6 })
      expect(await seqsOf(back, 'p')).toEqual(missed)
    }
  })

  it('[C18] missed events while others keep talking: no hole, no repeat', async () => {
    const ann = await user(server, 'live-ann')
    const { epoch } = await ann.ok('room:join', { roomId: 'live' })
    await say(ann, 'live', 1, 10)
    const back = await user(server, 'live-back')
    for (const i of range(11, 28)) {
      ann.send({ type: 'chat:message', roomId: 'live', content: `m${i}` })
      if (i === 18) back.send({ type: 'room:join', roomId: 'live', after: { epoch, seq: 8 }, id: 'join' })
    }
    expect((await back.next({ ack: 'join' })).data).toMatchObject({ recovered: true })
    await back.next({ seq: 28 })
    expect(await seqsOf(back, 'live')).toEqual(range(9, 28))
  })

  it('[C18] a wrong epoch, or a position ahead of the room, is recovered:false', async () => {
    const ann = await user(server, 'w-ann')
    await say(ann, 'w', 1, 4)
    const { epoch } = await ann.ok('room:join', { roomId: 'w' })
    const wrong = await user(server, 'w-wrong')
    expect(await wrong.ok('room:join', { roomId: 'w', after: { epoch: 'another-log', seq: 2 } })).toMatchObject({
      recovered: false,
      reason: 'epoch',
      epoch,
      from: expect.any(Number),
      to: 4,
    })
    const ahead = await user(server, 'w-ahead')
    expect(await ahead.ok('room:join', { roomId: 'w', after: { epoch, seq: 5 } })).toMatchObject({ recovered: false })
  })

  it('[C18] a position further back than a replay reaches is too_far, with what there is', async () => {
    const ann = await user(server, 'far-ann')
    const { epoch } = await ann.ok('room:join', { roomId: 'far' })
    await say(ann, 'far', 1, 25)
    const back = await user(server, 'far-back')
    const reply = await back.ok('room:join', { roomId: 'far', after: { epoch, seq: 2 } })
    expect(reply).toMatchObject({ recovered: false, reason: 'too_far', to: 25, from: expect.any(Number) })
    const seqs = await seqsOf(back, 'far')
    expect(seqs).toEqual(range(reply.from as number, 25))
    expect(seqs.length).toBeLessThanOrEqual(20)
    expect(seqs.length).toBeGreaterThan(0)
  })

  it('[C18] a position whose successors are gone is trimmed, and says from where on there is something', async () => {
    const ann = await user(server, 't-ann')
    const { epoch } = await ann.ok('room:join', { roomId: 't' })
    await say(ann, 't', 1, 200)
    // Trimming is done when idle: ask until the oldest event is gone.
    let oldest = 1
    for (let i = 0; i < 100 && oldest === 1; i++) {
      const { events } = await ann.ok('history:get', { roomId: 't', after: 0, limit: 1 })
      oldest = (events as Frame[])[0]?.seq as number
      await ann.settled()
    }
    expect(oldest).toBeGreaterThan(1)
    const back = await user(server, 't-back')
    const reply = await back.ok('room:join', { roomId: 't', after: { epoch, seq: 1 } })
    expect(reply).toMatchObject({ recovered: false, reason: expect.stringMatching(/trimmed|too_far/), to: 200 })
    expect(await seqsOf(back, 't')).toEqual(range(reply.from as number, 200))
  })

  it('[C14] positions that are none are refused', async () => {
    const ann = await user(server, 'n-ann')
    for (const after of [
      -1,
      1.5,
      'yesterday',
      { epoch: 7, seq: 1 },
      { epoch: 'x' },
      { epoch: 'x', seq: -1 },
      [1],
      null,
    ]) {
      expect(await ann.refused('room:join', { roomId: 'n', after }), JSON.stringify(after)).toMatchObject({
        code: expect.stringMatching(/INVALID_MESSAGE|CURSOR_INVALID/),
      })
    }
  })
})

describe('across restarts', () => {
  it('[C18] [C21] a position outlives a restart, numbers go on, keys are remembered', { timeout: 60_000 }, async () => {
    let server = await Server.start({ env: UNLIMITED })
    const { data, port } = server
    try {
      let ann = await user(server, 'ann')
      const { epoch } = await ann.ok('room:join', { roomId: 'home' })
      await say(ann, 'home', 1, 5)
      const kept = await ann.ok('chat:message', { roomId: 'home', content: 'keyed', key: 'over-the-restart' })
      for (const how of ['SIGTERM', 'SIGKILL'] as const) {
        server.signal(how)
        await server.exited
        server = await Server.start({ data, port, env: UNLIMITED })
        ann = await user(server, 'ann')
        const back = await ann.ok('room:join', { roomId: 'home', after: { epoch, seq: 3 } })
        expect(back, how).toMatchObject({ recovered: true, epoch })
        expect((await seqsOf(ann, 'home')).slice(0, 3), how).toEqual([4, 5, 6])
        expect(await ann.ok('chat:message', { roomId: 'home', content: 'keyed', key: 'over-the-restart' })).toEqual(
          kept,
        )
        const next = await ann.ok('chat:message', { roomId: 'home', content: `after ${how}` })
        expect(next.seq).toBe(how === 'SIGTERM' ? 7 : 8)
        expect(await ann.ok('presence:get', { roomId: 'home' })).toMatchObject({ count: 1 })
      }
    } finally {
      await server.dispose()
    }
  })

  it('[C18] without a data folder a restart is another epoch, and says so', { timeout: 60_000 }, async () => {
    const env = { ...UNLIMITED, ROOMFUL_DATA: ':memory:' }
    let server = await Server.start({ env })
    const { port } = server
    try {
      const ann = await user(server, 'ann')
      const { epoch } = await ann.ok('room:join', { roomId: 'home' })
      await say(ann, 'home', 1, 3)
      await server.stop()
      server = await Server.start({ port, env })
      const back = await user(server, 'ann')
      expect(await back.ok('room:join', { roomId: 'home', after: { epoch, seq: 3 } })).toMatchObject({
        recovered: false,
        reason: 'epoch',
      })
    } finally {
      await server.dispose()
    }
  })
})

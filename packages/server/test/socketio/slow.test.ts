/** Official clients that do not read for a while: what is in the log waits there, nobody else waits, and nothing is lost. G5, D4. */

import type { Socket as TcpSocket } from 'node:net'
import type { Roomful } from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import type { Socket } from 'socket.io-client'
import { describe, expect, it } from 'vitest'
import { collect, connect, next, serve, token } from './serve.ts'

const EVENTS = 300
const FILLING = 'x'.repeat(20_000)
const range = (count: number) => Array.from({ length: count }, (_, i) => i + 1)

/** The cable of a client over WebSocket, which can be left unread. */
function cable(socket: Socket): TcpSocket {
  const { ws } = socket.io.engine.transport as unknown as { ws: { _socket: TcpSocket } }
  return ws._socket
}

const chat = (roomful: Roomful) => {
  const namespace = hubOf(roomful).namespace('/')
  if (!namespace) throw new Error('There is no chat')
  return namespace
}

async function publish(roomful: Roomful, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await chat(roomful).publish('lobby', 'tick', [{ filling: FILLING }])
}

const linkOf = (roomful: Roomful, sub: string) =>
  [...hubOf(roomful).links.open].find(({ connections }) => connections[0]?.user.sub === sub)

describe('[D4] [G5] an official client over WebSocket that does not read', () => {
  it('costs bounded memory, delays nobody, hears the latest of what is volatile and all that is durable, in order', async () => {
    const { url, roomful } = await serve({ outboxBytes: 16_384 })
    const [ann, ben] = [await connect(url, 'websocket', 'ann'), await connect(url, 'websocket', 'ben')]
    for (const socket of [ann, ben]) await socket.emitWithAck('room:join', 'lobby')
    const seqs: number[] = []
    const cursors: unknown[] = []
    const all = collect(ann, 'tick', EVENTS)
    ann.on('tick', ({ seq }: { seq: number }) => seqs.push(seq))
    ann.on('cursor', (at: unknown) => cursors.push(at))
    const others = collect(ben, 'tick', EVENTS)

    cable(ann).pause()
    await publish(roomful, EVENTS)
    for (let i = 1; i <= 50; i++) chat(roomful).to('lobby').latest('ben').emit('cursor', i)
    await others
    const link = linkOf(roomful, 'ann')
    expect(link?.slow).toBe(true)
    expect(link?.queuedBytes).toBeLessThan(1_000_000)

    cable(ann).resume()
    await all
    await ann.emitWithAck('room:list')
    expect(seqs).toEqual(range(EVENTS))
    expect(cursors).toEqual([50])
  })

  it('is let go when too much waits that is in no log, and recovers by itself', async () => {
    const { url, roomful } = await serve({ outboxBytes: 16_384 })
    const ann = await connect(url, 'websocket', 'ann')
    await ann.emitWithAck('room:join', 'lobby')
    const first = next(ann, 'tick')
    await publish(roomful, 1)
    await first
    cable(ann).pause()
    await publish(roomful, EVENTS)
    for (let i = 0; i < 200 && linkOf(roomful, 'ann')?.state === 'open'; i++) {
      chat(roomful).to('lobby').emit('noise', FILLING)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(linkOf(roomful, 'ann')?.state ?? 'closed').not.toBe('open')
    const back = next(ann, 'connect')
    const seqs: number[] = []
    ann.on('tick', ({ seq }: { seq: number }) => seqs.push(seq))
    cable(ann).resume()
    await back
    expect(ann.recovered).toBe(true)
    await publish(roomful, 1)
    await ann.emitWithAck('room:list')
    expect(seqs).toEqual(range(EVENTS + 2).slice(1))
  })
})

it('[D4] [G5] a client over polling that does not ask is behind, and its next polls bring everything, in order', async () => {
  const { url, roomful } = await serve({ outboxBytes: 16_384 })
  const at = `${url}/socket.io/?EIO=4&transport=polling`
  const { sid } = JSON.parse((await (await fetch(at)).text()).slice(1)) as { sid: string }
  const poll = async () => (await (await fetch(`${at}&sid=${sid}`)).text()).split('\x1e')
  const post = (body: string) => fetch(`${at}&sid=${sid}`, { method: 'POST', body })
  await post(`40${JSON.stringify({ token: await token('ann') })}`)
  await poll()
  await post('421["room:join","lobby"]')
  for (let isIn = false; !isIn; ) isIn = (await poll()).some((packet) => packet.startsWith('431'))
  await publish(roomful, EVENTS)
  const link = linkOf(roomful, 'ann')
  expect(link?.slow).toBe(true)
  expect(link?.queuedBytes).toBeLessThan(1_000_000)
  const seqs: number[] = []
  while (seqs.length < EVENTS) {
    for (const packet of await poll()) {
      if (packet === '2') await post('3')
      const [, seq] = /^42\["tick",.*"seq":(\d+)/.exec(packet) ?? []
      if (seq !== undefined) seqs.push(Number(seq))
    }
  }
  expect(seqs).toEqual(range(EVENTS))
})

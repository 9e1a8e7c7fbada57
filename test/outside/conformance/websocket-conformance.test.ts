/** WebSocket conformance on the echo endpoint, which is the same stack as every other link. R8. */
import { createRoomful, type Roomful } from '@roomful/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CLOSE, openRaw, type RawClient } from '../lib/raw.ts'
import type { ConformanceCase } from './case.ts'
import { closing } from './closing.ts'
import { framing } from './framing.ts'
import { utf8 } from './utf8.ts'

let roomful: Roomful
let port: number
beforeAll(async () => {
  const echo = { '/ws/echo': '' }
  roomful = createRoomful({ data: ':memory:', maxMessageBytes: 1024 ** 2, ratePerSecond: 0, echo })
  port = (await roomful.listen({ port: 0 })).port
})
afterAll(() => roomful.close())

function send(client: RawClient, { sends, chop }: ConformanceCase): void {
  const all = Buffer.concat(sends)
  const step = chop ?? all.length
  for (let at = 0; at < all.length; at += step) client.write(all.subarray(at, at + step))
}

async function play(played: ConformanceCase): Promise<void> {
  const { hears, closes } = played
  const client = await openRaw(port, '/ws/echo')
  try {
    send(client, played)
    expect(closes).toContain(await client.closeCode())
    await client.ended
    const end = client.frames.findIndex(({ opcode }) => opcode === CLOSE)
    expect(end, 'nothing comes after the close frame').toBe(client.frames.length - 1)
    const heard = client.frames.slice(0, end).map(({ opcode, payload }) => ({ opcode, payload }))
    expect(heard).toEqual(hears.map(({ opcode, payload }) => ({ opcode, payload: Buffer.from(payload) })))
  } finally {
    client.destroy()
  }
}

describe('[R8] WebSocket conformance', () => {
  it('has as many cases as the public suite has about frames, text and closing', () => {
    expect(framing.length + utf8.length + closing.length).toBeGreaterThanOrEqual(247)
  })

  describe('frames', () => {
    it.each(framing)('$name', play)
  })

  describe('text', () => {
    it.each(utf8)('$name', play)
  })

  describe('closing', () => {
    it.each(closing)('$name', play)
  })
})

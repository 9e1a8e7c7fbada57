/** A stream whose client does not read, over a real socket. G5. */
import { hubOf } from '@roomful/server/testing'
import { describe, expect, it } from 'vitest'
import { serve, until } from './serving.ts'

describe('a stream that does not read', () => {
  it('[D4] [G5] is behind, costs bounded memory, and catches up without a hole, with the latest of what is volatile', async () => {
    const { url, roomful } = await serve({ outboxBytes: 16_384 })
    const namespace = hubOf(roomful).namespace('/public')
    const response = await fetch(`${url}/sse/public?room=lobby`)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    await until('the member', () => namespace?.state.rooms.get('lobby')?.count === 1)
    const [link] = [...hubOf(roomful).links.open]
    const total = 300
    for (let i = 1; i <= total; i++) await namespace?.publish('lobby', 'tick', [{ i, filling: 'x'.repeat(20_000) }])
    for (let i = 1; i <= 50; i++)
      namespace
        ?.to('lobby')
        .latest('ben')
        .emit('cursor', { at: `place ${i}` })
    expect(link?.slow).toBe(true)
    expect(link?.queuedBytes).toBeLessThan(1_000_000)
    const seqs: number[] = []
    const utf8 = new TextDecoder()
    const places: string[] = []
    let text = ''
    while (seqs.length < total || places.length === 0) {
      const { value, done } = await reader.read()
      if (done) throw new Error(`It ended after ${seqs.length}`)
      text += utf8.decode(value, { stream: true })
      const end = text.lastIndexOf('\n\n')
      if (end < 0) continue
      for (const [, seq] of text.slice(0, end).matchAll(/"seq":(\d+),"ts"/g)) seqs.push(Number(seq))
      places.push(...(text.slice(0, end).match(/place \d+/g) ?? []))
      text = text.slice(end)
    }
    expect(places).toEqual(['place 50'])
    expect(seqs).toEqual(Array.from({ length: total }, (_, i) => i + 1))
    await reader.cancel()
  }, 20_000)
})

/** A stream whose client does not read, over a real socket. G5. */
import { describe, expect, it } from 'vitest'
import { serve, until } from './serving.ts'

describe('a stream that does not read', () => {
  it('[G5] a stream that does not read is behind, costs bounded memory, and catches up without a hole', async () => {
    const { url, roomful } = await serve({ outboxBytes: 16_384 })
    const namespace = roomful.hub.namespace('/public')
    const response = await fetch(`${url}/sse/public?room=lobby`)
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    await until('the member', () => namespace?.rooms.get('lobby')?.count === 1)
    const [link] = [...roomful.hub.links]
    const total = 300
    for (let i = 1; i <= total; i++) await namespace?.publish('lobby', 'tick', [{ i, filling: 'x'.repeat(20_000) }])
    expect(link?.slow).toBe(true)
    expect(link?.queuedBytes).toBeLessThan(1_000_000)
    const seqs: number[] = []
    const utf8 = new TextDecoder()
    let text = ''
    while (seqs.length < total) {
      const { value, done } = await reader.read()
      if (done) throw new Error(`It ended after ${seqs.length}`)
      text += utf8.decode(value, { stream: true })
      const end = text.lastIndexOf('\n\n')
      if (end < 0) continue
      for (const [, seq] of text.slice(0, end).matchAll(/"seq":(\d+),"ts"/g)) seqs.push(Number(seq))
      text = text.slice(end)
    }
    expect(seqs).toEqual(Array.from({ length: total }, (_, i) => i + 1))
    await reader.cancel()
  }, 20_000)
})

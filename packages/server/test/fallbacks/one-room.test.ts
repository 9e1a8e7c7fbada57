/** One room, every client: whatever it speaks, it sees the same events under the same numbers in the same order. D1. */
import { describe, expect, it } from 'vitest'
import { bearer, type Message, serve, socket, stream, tokenOf, until } from './serving.ts'

const ROUNDS = 6

/** What of an event must be the same everywhere. */
const told = ({ type, roomId, seq, id, ts, name, content }: Message) => ({ type, roomId, seq, id, ts, name, content })
const isMessage = ({ type }: Message): boolean => type === 'chat:message'

/** Polls until told to stop, and keeps what it hears. */
function poller(url: string, wait: number) {
  const heard: Message[] = []
  let isOver = false
  const ready = fetch(url).then(async (response) => ((await response.json()) as { cursor: string }).cursor)
  const done = (async () => {
    for (let cursor = await ready; !isOver; ) {
      const response = await fetch(`${url}&after=${cursor}&wait=${wait}`)
      const answer = (await response.json()) as { events: Message[]; cursor: string }
      heard.push(...answer.events.filter(isMessage))
      cursor = answer.cursor
      if (wait === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  const stop = (): Promise<void> => {
    isOver = true
    return done
  }
  return { heard, ready, stop }
}

describe('one room', () => {
  it('[D1] a bare WebSocket, an EventSource, a long poll, a short poll and POST tell and hear the same', async () => {
    const { url } = await serve()
    const at = (path: string, sub: string): string => `${url}${path}?room=lobby&token=${tokenOf(sub)}`
    const ws = await socket(`${url}/ws?token=${tokenOf('ws')}`)
    await ws.ask({ type: 'room:join', roomId: 'lobby' })
    const sse = await stream(at('/sse', 'sse'))
    const long = poller(at('/poll', 'long'), 1)
    const short = poller(at('/poll', 'short'), 0)
    await Promise.all([long.ready, short.ready])
    const post = (sub: string, content: string) =>
      fetch(`${url}/send`, {
        method: 'POST',
        headers: bearer(sub),
        body: JSON.stringify({ type: 'chat:message', roomId: 'lobby', content }),
      })
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all([
        ws.ask({ type: 'chat:message', roomId: 'lobby', content: `${round} ☃\n` }),
        ...['sse', 'long', 'short', 'post'].map((sub) => post(sub, `${round} ☃\n`)),
      ])
    }
    const count = ROUNDS * 5
    const everyone = { ws: ws.heard, sse: sse.heard, long: long.heard, short: short.heard }
    for (const [who, heard] of Object.entries(everyone)) {
      await until(`all of it at ${who}`, () => heard.filter(isMessage).length >= count)
    }
    await Promise.all([long.stop(), short.stop()])
    const reference = ws.heard.filter(isMessage).map(told)
    expect(reference.map(({ seq }) => seq)).toEqual(Array.from({ length: count }, (_, i) => i + 1))
    for (const [who, heard] of Object.entries(everyone))
      expect(heard.filter(isMessage).map(told), who).toEqual(reference)
    const users = (await ws.ask({ type: 'presence:get', roomId: 'lobby' })).users as Message[]
    expect(users.map(({ name }) => name).sort()).toEqual(['long', 'short', 'sse', 'ws'])
  }, 20_000)
})

/** A message in pieces over the transports that only read, and over Socket.IO: through cuts, no piece missing and none twice. */
import { hubOf } from '@roomful/server/testing'
import { io } from 'socket.io-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { textsOf } from '../core/texts-of.ts'
import { type Message, type Serving, serve, socket, stream, tokenOf, until } from './serving.ts'

const ASSISTANT = { userId: 'assistant', name: 'Assistant' }

/** Follows a message in room x, and what it knows of it. */
type Follow = (serving: Serving) => Promise<() => Message[]>

async function pollers(serving: Serving, wait: number): Promise<() => Message[]> {
  const received: Message[] = []
  const url = `${serving.url}/poll?room=x&token=${tokenOf('ann')}&wait=${wait}`
  let isOver = false
  onTestFinished(() => {
    isOver = true
  })
  const ask = async (cursor: string | undefined) => {
    const response = await fetch(cursor === undefined ? url : `${url}&after=${encodeURIComponent(cursor)}`)
    if (!response.ok) throw new Error(await response.text())
    return (await response.json()) as { events: Message[]; cursor: string }
  }
  const first = await ask(undefined)
  received.push(...first.events)
  const go = async (): Promise<void> => {
    let { cursor } = first
    for (let polls = 0; !isOver; polls++) {
      if (polls % 3 === 2) await ask(cursor) // this answer is lost: the next poll asks the same
      const answer = await ask(cursor)
      received.push(...answer.events)
      cursor = answer.cursor
      if (received.some(({ type }) => type === 'message:ended')) return
    }
  }
  go().catch((error: unknown) => received.push({ type: 'failed', error }))
  return () => received
}

const FOLLOWERS: Readonly<Record<string, Follow>> = {
  'a bare WebSocket': async ({ url }) => {
    const { ask, heard } = await socket(`${url}/ws?token=${tokenOf('ann')}`)
    await ask({ type: 'room:join', roomId: 'x' })
    return () => heard
  },
  'an EventSource': async ({ url }) => {
    const { heard } = await stream(`${url}/sse?room=x&token=${tokenOf('ann')}`)
    return () => heard
  },
  'long polls': (serving) => pollers(serving, 25),
  'short polls': (serving) => pollers(serving, 0),
  ...Object.fromEntries(
    ['polling', 'websocket'].map((transport): [string, Follow] => [
      `Socket.IO over ${transport}`,
      async ({ url }) => {
        const client = io(url, {
          auth: { token: tokenOf('ann') },
          transports: [transport],
          reconnectionDelay: 20,
          forceNew: true,
        })
        onTestFinished(() => void client.disconnect())
        const heard: Message[] = []
        client.onAny((type: string, data: Message) => heard.push({ type, ...data }))
        await until('a connection', () => client.connected)
        await client.timeout(5_000).emitWithAck('room:join', { roomId: 'x' })
        return () => heard
      },
    ]),
  ),
}

describe('a message in pieces', () => {
  it.each(Object.entries(FOLLOWERS))(
    '[D17] [N2] [D1] is followed by %s from the middle to the end',
    async (name, follow) => {
      const serving = await serve()
      const answer = await serving.roomful.get('/').stream('x', 'message:new', ASSISTANT)
      answer.append('Once upon a time, ')
      await answer.flushed()
      const heard = await follow(serving)
      for (let i = 0; i < 40; i++) {
        answer.append(`é👍 "${i}"\n`)
        if (i % 4 === 0) await new Promise((resolve) => setImmediate(resolve))
        // What holds no position of its own ends with its connection; all others come back.
        if (i === 20 && name !== 'a bare WebSocket') cut(serving)
      }
      const { length } = await answer.complete()
      await until('the end', () => heard().some(({ type }) => type === 'message:ended' || type === 'failed'))
      expect(heard().filter(({ type }) => type === 'failed')).toEqual([])
      const { text, state } = textsOf({ received: heard() })[1] ?? { text: '', state: undefined }
      expect([text.length, state]).toEqual([length, 'complete'])
      expect(text).toMatch(/^Once upon a time, é👍 "0"/)
    },
  )
})

/** Ends every link without a word. */
function cut({ roomful }: Serving): void {
  for (const link of [...hubOf(roomful).links.open]) if (link.dialect.name !== 'poll') link.terminate('cut')
}

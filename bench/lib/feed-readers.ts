/** One user who follows the room `feed` of the bench server, in each of four ways. Node's own clients: no SDK, no library but `ws`. */
import { Agent, get } from 'node:http'
import { WebSocket } from 'ws'

/** @returns what ends it; resolves when the room is entered */
type OpenReader = (origin: string, onUpdate: () => void) => Promise<() => void>

export const feedReaders = {
  'short polling': (origin, onUpdate) => poll(origin, onUpdate, { waitS: 0, everyMs: 1_000 }),
  'long polling': (origin, onUpdate) => poll(origin, onUpdate, { waitS: 25, everyMs: 0 }),
  SSE: followStream,
  WebSocket: followSocket,
} as const satisfies Record<string, OpenReader>

interface Answer {
  readonly events: readonly { readonly type: string }[]
  readonly cursor: string
}

async function poll(
  origin: string,
  onUpdate: () => void,
  { waitS, everyMs }: { waitS: number; everyMs: number },
): Promise<() => void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const ask = (after?: string): Promise<Answer> => {
    const position = after === undefined ? '' : `&after=${encodeURIComponent(after)}&wait=${waitS}`
    return fetchJson(`${origin}/poll/bench?room=feed${position}`, agent)
  }
  let isOver = false
  let { cursor } = await ask()
  const loop = async (): Promise<void> => {
    // Everyone asks at a moment of their own.
    if (everyMs > 0) await pause(Math.random() * everyMs)
    while (!isOver) {
      const askedAt = performance.now()
      const answer = await ask(cursor)
      for (const { type } of answer.events) if (type === 'published') onUpdate()
      cursor = answer.cursor
      if (everyMs > 0) await pause(Math.max(0, everyMs - (performance.now() - askedAt)))
    }
  }
  loop().catch((error: unknown) => {
    if (!isOver) throw error
  })
  return () => {
    isOver = true
    agent.destroy()
  }
}

function fetchJson(url: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.once('error', reject).once('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text) as Answer)
        else reject(new Error(`${url}: ${response.statusCode} ${text}`))
      })
    })
    request.once('error', reject)
  })
}

function followStream(origin: string, onUpdate: () => void): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const request = get(`${origin}/sse/bench?room=feed`, { agent: false }, (response) => {
      let rest = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line.startsWith('data:') && line.includes('"published"')) onUpdate()
      })
      response.once('error', () => undefined) // it was ended by us
      resolve(() => request.destroy())
    })
    request.once('error', reject)
  })
}

function followSocket(origin: string, onUpdate: () => void): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/ws/bench`, { perMessageDeflate: false })
    socket.once('error', reject)
    socket.on('open', () => socket.send('{"type":"room:join","roomId":"feed"}'))
    socket.on('message', (data) => {
      const { type } = JSON.parse(String(data)) as { type: string }
      if (type === 'published') onUpdate()
      else if (type === 'room:joined') resolve(() => socket.terminate())
    })
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

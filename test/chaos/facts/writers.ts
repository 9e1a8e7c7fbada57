/** Clients that change what a room knows, each thing until it is answered, and keep what they were answered. */
import { setTimeout as delay } from 'node:timers/promises'
import { Returning } from '../clients/bare.ts'
import { repeat } from '../clients/publisher.ts'
import { type Message, retryMs } from '../clients/subscriber.ts'

export interface WriterOptions {
  readonly name: string
  readonly url: string
  readonly room: string
  readonly token: string
  readonly paceMs: number
  wrong(problem: string): void
}

export interface Writer {
  readonly name: string
  /** How much was answered. */
  readonly count: number
  /** Changes nothing more, and resolves when all is answered. */
  finish(): Promise<void>
  close(): void
}

const REQUEST_MS = 8_000
/** Refused: it conflicts, or is not there. */
const FOR_GOOD = [409, 404]

/** @returns what it is answered with, or refused with for good */
async function insist({ url, room, token }: WriterOptions, request: Message): Promise<Message> {
  const headers = { authorization: `Bearer ${token}` }
  const body = JSON.stringify({ roomId: room, ...request })
  for (;;) {
    try {
      const signal = AbortSignal.timeout(REQUEST_MS)
      const response = await fetch(`${url}/send`, { method: 'POST', headers, body, signal })
      const answer = (await response.json()) as Message
      if (response.ok || FOR_GOOD.includes(response.status)) return answer.error ?? answer
    } catch {
      // the network, or a server that ends or begins
    }
    await delay(retryMs())
  }
}

/** Adds one again and again, each time once. */
export function adder(options: WriterOptions): Writer {
  const writer = { name: options.name, count: 0, close: () => undefined }
  const finish = repeat(async () => {
    const answer = await insist(options, { type: 'state:add', name: 'count', by: 1, key: crypto.randomUUID() })
    if (answer.status === 'ok') writer.count++
    else options.wrong(`is refused an addition: ${JSON.stringify(answer)}`)
  }, options.paceMs)
  return Object.assign(writer, { finish })
}

/** Which versions were replaced, and by whom. */
export type Replaced = Map<number, string>

/** Sets one entry from the version that it knows, as others do. */
export function setter(options: WriterOptions, replaced: Replaced): Writer {
  const { name, wrong } = options
  const writer = { name, count: 0, close: () => undefined }
  let version = 0
  const finish = repeat(async (count) => {
    const value = `${name} ${count}`
    for (;;) {
      const key = crypto.randomUUID()
      const answer = await insist(options, { type: 'state:set', name: 'turn', value, version, key })
      if (answer.status === 'ok') {
        const other = replaced.get(version)
        if (other !== undefined) wrong(`replaced version ${version}, and so did ${other}`)
        replaced.set(version, name)
        version = answer.version
        writer.count++
        return
      }
      if (typeof answer.version !== 'number') return wrong(`is refused a change: ${JSON.stringify(answer)}`)
      version = answer.version
    }
  }, options.paceMs)
  return Object.assign(writer, { finish })
}

/** What became of a message in pieces, as its writer was answered. */
export interface Written {
  /** The whole text, if it had gone on to the end. */
  readonly text: string
  /** So much of it was answered. */
  length: number
  end: 'complete' | 'cancelled' | 'none'
}

const PIECES = 25
const pieceOf = (name: string, count: number, index: number): string => `${name} ${count}.${index} wörds 👩‍👩‍👧 `

/** Writes one message after another; of ten it takes one back and leaves two as they are. */
export function streamer(options: WriterOptions, written: Map<number, Written>): Writer {
  const { name, wrong } = options
  const writer = { name, count: 0, close: () => undefined }
  const finish = repeat(async (count) => {
    const pieces = Array.from({ length: PIECES }, (_, index) => pieceOf(name, count, index))
    const content = `${name} ${count}: `
    const begun = await insist(options, { type: 'message:stream', content, key: crypto.randomUUID() })
    if (begun.status !== 'ok') return wrong(`is refused a message in pieces: ${JSON.stringify(begun)}`)
    const { seq } = begun
    const entry: Written = { text: content + pieces.join(''), length: content.length, end: 'none' }
    written.set(seq, entry)
    for (const text of count % 5 === 4 ? pieces.slice(0, 10) : pieces) {
      const answer = await insist(options, { type: 'message:append', seq, at: entry.length, text })
      if (answer.status !== 'ok') {
        // It got none for too long, while the network or the server was away.
        const hasEnded = answer.code === 'CONFLICT' && answer.length === undefined
        return hasEnded ? undefined : wrong(`is refused a piece of #${seq}: ${JSON.stringify(answer)}`)
      }
      entry.length += text.length
      if (answer.length !== entry.length) wrong(`is answered ${answer.length} instead of ${entry.length}`)
      await delay(options.paceMs / 4)
    }
    writer.count++
    if (count % 5 === 4) return
    const type = count % 10 === 7 ? 'message:cancel' : 'message:complete'
    const answer = await insist(options, { type, seq })
    const end = type === 'message:cancel' ? 'cancelled' : 'complete'
    // The answer to the first try may be lost: then it has ended as it was asked for.
    if (answer.status === 'ok' || answer.state === end) entry.end = end
    else if (answer.state !== 'interrupted') wrong(`is refused the end of #${seq}: ${JSON.stringify(answer)}`)
  }, options.paceMs)
  return Object.assign(writer, { finish })
}

/** A member who says something else of themselves again and again, and how far they have read. */
export interface Mover extends Writer {
  /** The latest that was answered. */
  readonly said: number
  readonly ready: Promise<void>
}

export function mover({ name, url, room: roomId, token, paceMs, wrong }: WriterOptions): Mover {
  const { promise: ready, resolve } = Promise.withResolvers<void>()
  let next = 0
  let asked = 0
  let read = 0
  let seen = 0
  let isOver = false
  const { promise: done, resolve: end } = Promise.withResolvers<void>()
  let timer: NodeJS.Timeout | undefined
  /** One thing after the other, also where a link is followed by another. */
  const later = (act: () => void, ms: number): void => {
    clearTimeout(timer)
    timer = setTimeout(act, ms)
  }
  const say = (): void => {
    if (isOver && self.said === next) return end()
    if (!isOver) next++
    asked = next
    socket.send({ type: 'presence:set', id: 'move', roomId, state: { at: next } })
    if (seen > read) socket.send({ type: 'room:read', id: 'read', roomId, seq: seen })
  }
  const join = (): void => {
    asked = next
    socket.send({ type: 'room:join', id: 'join', roomId, state: { at: next } })
  }
  const socket = new Returning({
    url: `${url.replace('http', 'ws')}/ws?token=${token}`,
    onOpen: join,
    onMessage: ({ type, ack, error, data, seq }) => {
      if (typeof seq === 'number' && type !== 'room:read') seen = Math.max(seen, seq)
      if (type !== 'ack') return
      if (error !== undefined) return ack === 'read' ? undefined : later(ack === 'join' ? join : say, retryMs())
      if (ack === 'read') {
        if (data.seq < read) wrong(`has read up to ${data.seq}, and before that up to ${read}`)
        read = Math.max(read, data.seq)
        return
      }
      if (ack === 'join') {
        if (data.read && data.read.seq < read) wrong(`joins with ${data.read.seq} read, and had read up to ${read}`)
        resolve()
      }
      self.said = asked
      self.count++
      later(say, paceMs)
    },
    onRefused: (why) => wrong(`was ${why}`),
  })
  const self = {
    name,
    ready,
    said: -1,
    count: 0,
    finish: async () => {
      isOver = true
      await done
    },
    close: () => socket.close(),
  }
  return self
}

/** The chat with messages in pieces: clients write them, and so does a server that continues after it was killed. */
import type { TestServer } from '../../server.ts'
import { type Application, CHAT, setUpChat } from '../application.ts'
import type { ExtrasOutcome } from './companion.ts'
import { StreamsCompanion } from './streams-companion.ts'

/** Words of an answer of the server, and how often one comes. */
const WORDS = 40
const WORD_MS = 150
const ANSWER = Array.from({ length: WORDS }, (_, index) => `word ${index} `).join('')
const STREAM_IDLE_MS = 5_000

/** What went wrong in the writers of a process. */
const wrong = new WeakMap<TestServer, string[]>()

export const STREAMS: Application = {
  ...CHAT,
  events: [...CHAT.events, 'message:ended'],
  setUp: (server) => {
    const problems: string[] = []
    wrong.set(server, problems)
    setUpChat(server).on('ask-model', async (context, data) => {
      const { roomId, key } = data as { roomId: string; key: string }
      const message = await context.stream(roomId, 'message:new', { userId: 'model', name: 'Model' }, { key })
      const write = (): void => {
        if (message.signal.aborted) return
        if (message.state !== 'streaming') {
          problems.push(`the writer of ${roomId}#${message.seq} goes on, though it is ${message.state}`)
          return
        }
        const { length } = message
        if (length >= ANSWER.length) {
          message.complete({ words: WORDS }).catch(() => undefined) // the log does not take it: it is interrupted
          return
        }
        message.append(ANSWER.slice(length, length + 8))
        server.clock.after(WORD_MS, write)
      }
      write()
      return { status: 'ok' }
    })
  },
  extras: {
    deeds: {
      begin: 8,
      append: 30,
      'append wrongly': 3,
      complete: 4,
      cancel: 2,
      stop: 3,
      'all: stop': 2,
      ask: 4,
      'ask again': 4,
    },
    hasFlows: false,
    settings: { streamIdleMs: STREAM_IDLE_MS, streamPiecesPerSecond: 0 },
    companion: (host) => new StreamsCompanion(host),
    check: async (outcome) => {
      const problems = outcome.machines.flatMap(({ server }) => (server && wrong.get(server)) ?? [])
      for (const roomId of outcome.rooms)
        problems.push(...(await checkStorage(outcome, roomId)), ...checkRoom(outcome, roomId))
      return problems
    },
  },
}

function* checkRoom({ actors, truth }: ExtrasOutcome, roomId: string): Iterable<string> {
  for (const [seq, { text, writer, isOfModel }] of truth(roomId).texts) {
    if (isOfModel && !ANSWER.startsWith(text)) yield `the answer ${seq} in ${roomId} is ${text} for ${writer}`
  }
  for (const actor of actors) if (actor.rooms().includes(roomId)) yield* actor.companion?.problems(roomId) ?? []
}

/** Rows are whole once their messages have ended, with nothing lost of what was stored in groups. */
async function checkStorage({ namespace, machines, truth, log }: ExtrasOutcome, roomId: string): Promise<string[]> {
  const server = machines.find((machine) => machine.isUp)?.server
  const room = log.get(roomId)
  if (!server || !room) return []
  const problems: string[] = []
  const growing = await server.broker.growing(namespace, roomId)
  const parts = new Map(growing.map(({ row, fragment }) => [row.seq, JSON.parse(`"${fragment}"`) as string]))
  for (const [seq, { text, state }] of truth(roomId).texts) {
    if (seq < room.first) continue
    const { events } = await server.broker.history(namespace, roomId, { after: seq - 1, limit: 1 })
    const [data = {}] = JSON.parse(events[0]?.argsJson || '[]') as { content?: string; state?: string }[]
    const stored = state === undefined ? parts.get(seq) : data.content
    if (stored !== text)
      problems.push(`the message ${seq} of ${roomId} is "${stored}" in the log, which took "${text}"`)
    if (state !== undefined && data.state !== state)
      problems.push(`the message ${seq} of ${roomId} is ${data.state} in the log, and ended as ${state}`)
  }
  return problems
}

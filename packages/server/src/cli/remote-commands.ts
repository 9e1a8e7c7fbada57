/** The commands that ask a running server over its HTTP API: `publish`, `tail`, `who` and `explain`. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Explanation } from '../adapters/http/explain.ts'
import { ConfigError } from '../config/config-error.ts'
import { type RemoteCommand, readNumber, readRemote } from './api.ts'

export const PUBLISH_USAGE = 'publish <room> <event> [json]'

/** Stores an event in a room. @throws ConfigError, RemoteError (rejects) */
export async function publish(command: RemoteCommand): Promise<void> {
  const { api, words, flags, asJson } = readRemote(command, PUBLISH_USAGE, ['key', 'user'])
  const [roomId, event, json] = words
  const data = json === undefined ? {} : { data: parse(json) }
  const { key, user: userId } = flags
  const given = { ...(key === undefined ? {} : { key }), ...(userId === undefined ? {} : { userId }) }
  const answer = await api.post('publish', { roomId, event, ...data, ...given })
  command.print(asJson ? JSON.stringify(answer) : `Stored as ${answer.id}, number ${answer.seq} of ${answer.roomId}.`)
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    throw new ConfigError(`The event's data must be JSON, such as '{"text":"hello"}', not ${json}.`)
  }
}

export const TAIL_USAGE = 'tail <room>'

const LINES = 20
/** How often new events are requested. */
const EVERY_MS = 500

interface Event {
  readonly type: string
  readonly seq: number
  readonly ts: number
  readonly [field: string]: unknown
}

/** Prints the latest events of a room, and then those that follow. @throws ConfigError, RemoteError (rejects) */
export async function tail(command: RemoteCommand): Promise<void> {
  const { api, words, flags, asJson } = readRemote(command, TAIL_USAGE, ['after', 'lines', 'follow'])
  const { after, lines = String(LINES), follow = 'on' } = flags
  if (follow !== 'on' && follow !== 'off') throw new ConfigError(`--follow must be "on" or "off", not "${follow}".`)
  const path = `rooms/${encodeURIComponent(words[0] as string)}/events`
  let position = after === undefined ? undefined : readNumber('--after', after, 0)
  const limit = Math.min(100, readNumber('--lines', lines, 1))
  const { signal, print } = command
  try {
    for (;;) {
      const query = position === undefined ? { limit } : { after: position }
      const { events, more } = (await api.get(path, query, signal)) as unknown as { events: Event[]; more: boolean }
      for (const event of events) print(asJson ? JSON.stringify(event) : lineOf(event))
      position = events.at(-1)?.seq ?? position ?? 0
      const isBehind = more && query.after !== undefined
      if (follow === 'off' && !isBehind) return
      if (!isBehind) await delay(EVERY_MS, undefined, { signal })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

function lineOf({ type, seq, ts, roomId, id, key, ...data }: Event): string {
  return `#${seq} ${new Date(ts).toISOString()} ${type} ${JSON.stringify(data)}`
}

export const WHO_USAGE = 'who <room>'

interface Page {
  readonly users: readonly { readonly userId: string; readonly name: string; readonly status: string }[]
  readonly count: number
  readonly more: boolean
}

/** Lists the users in a room. @throws ConfigError, RemoteError (rejects) */
export async function who(command: RemoteCommand): Promise<void> {
  const { api, words, asJson } = readRemote(command, WHO_USAGE, [])
  const roomId = words[0] as string
  let after = ''
  for (;;) {
    const query = after === '' ? {} : { after }
    const page = (await api.get(`rooms/${encodeURIComponent(roomId)}/users`, query)) as unknown as Page
    if (!asJson && after === '')
      command.print(page.count === 1 ? `1 user in ${roomId}` : `${page.count} users in ${roomId}`)
    for (const user of page.users) {
      command.print(asJson ? JSON.stringify(user) : `  ${user.userId}  ${user.name}  ${user.status}`)
    }
    after = page.users.at(-1)?.userId ?? ''
    if (!page.more || after === '') return
  }
}

export const EXPLAIN_USAGE = 'explain <connection|user> <room> <number>'

/** Prints why a client did, or did not, receive an event. @throws ConfigError, RemoteError (rejects) */
export async function explain(command: RemoteCommand): Promise<void> {
  const { api, words, asJson } = readRemote(command, EXPLAIN_USAGE, [])
  const [who, roomId, number = ''] = words
  const seq = readNumber('The number of the event', number, 1)
  const answer = (await api.get('explain', { who, roomId, seq })) as unknown as Explanation
  if (asJson) return command.print(JSON.stringify(answer))
  const { answer: summary, event, verdicts } = answer
  command.print(summary.message)
  if (event) {
    const by = event.userId === null ? '' : ` by ${event.userId}`
    const state = event.redacted ? ', taken back since' : ''
    command.print(`Event ${seq} of ${roomId}: ${event.type}${by}, ${new Date(event.ts).toISOString()}${state}`)
  }
  for (const { connectionId, code, message } of verdicts) {
    command.print(`  ${connectionId === undefined ? '' : `${connectionId}  `}${code}  ${message}.`)
  }
}

export const ERASE_USAGE = 'erase <user>'

interface Erased {
  readonly disconnected: number
  readonly namespaces: readonly { readonly name: string; readonly events: number; readonly received: number }[]
  readonly account: boolean
}

/** Erases a person, and prints what was done. @throws ConfigError, RemoteError (rejects) */
export async function erase(command: RemoteCommand): Promise<void> {
  const { api, words, asJson } = readRemote(command, ERASE_USAGE, [])
  const userId = words[0] as string
  const erased = (await api.post('erase', { userId }, false)) as unknown as Erased
  if (asJson) return command.print(JSON.stringify(erased))
  const { disconnected, namespaces, account } = erased
  command.print(
    `Erased ${userId}: ${disconnected} connections closed, ${account ? 'the account removed' : 'no account'}.`,
  )
  for (const { name, events, received } of namespaces) {
    command.print(`  ${name}  ${events} events emptied, ${received} received ones`)
  }
  command.print('Documents, and what the application stores by itself, are not part of it.')
}

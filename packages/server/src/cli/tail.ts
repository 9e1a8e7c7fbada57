/** `roomful tail`: the latest events of a room, and those that follow, a line each. */
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError } from '../config/config-error.ts'
import { type RemoteCommand, readNumber, readRemote } from './api.ts'

export const TAIL_USAGE = 'tail <room>'

const LINES = 20
/** How often a room is asked for what is new. */
const EVERY_MS = 500

interface Event {
  readonly type: string
  readonly seq: number
  readonly ts: number
  readonly [field: string]: unknown
}

/** @throws ConfigError, RemoteError (rejects) */
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

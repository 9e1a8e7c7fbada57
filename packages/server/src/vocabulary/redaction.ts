/** Taking back what was said: the message and every later wording of it are emptied in the log, and keep their numbers. */
import { isRecord } from '@roomful/protocol'
import { RoomfulError } from '../core/base/errors.ts'
import type { Hub } from '../core/hub.ts'
import type { Namespace } from '../core/namespace.ts'

/** Events that people say, which can be edited and taken back. */
export const MESSAGES: ReadonlySet<string> = new Set(['message:new', 'message:private'])

const WORDINGS_PAGE = 100

/**
 * For the server itself, without asking whose message it is. Where people talk, members are told.
 * @returns how many events had a content
 * @throws RoomfulError (rejects) NOT_FOUND, UNAVAILABLE
 */
export async function redactMessage(hub: Hub, namespace: Namespace, roomId: string, seq: number): Promise<number> {
  const { events } = await hub.runtime.broker.history(namespace.name, roomId, { after: seq - 1, limit: 1 })
  const [row] = events
  if (row?.seq !== seq) throw new RoomfulError('NOT_FOUND', `There is no event ${seq} in this room`, { field: 'seq' })
  if (row.redacted) return 0
  if (!MESSAGES.has(row.type) || !namespace.state.vocabulary.has('message:redacted')) {
    return (await namespace.redact(roomId, seq)) ? 1 : 0
  }
  await namespace.publish(roomId, 'message:redacted', [{ target: seq, ...authorOf(row.argsJson) }])
  return emptyWordings(hub, namespace, roomId, seq)
}

/**
 * First the message: from then on no wording of it is stored any more, and those that were are found.
 * @returns how many had a content
 */
export async function emptyWordings(hub: Hub, namespace: Namespace, roomId: string, seq: number): Promise<number> {
  let count = (await namespace.redact(roomId, seq)) ? 1 : 0
  for (let after = seq; ; ) {
    const { events, more } = await hub.runtime.broker.history(namespace.name, roomId, { after, limit: WORDINGS_PAGE })
    for (const row of events) {
      const isWording = row.type === 'message:edited' && targetOf(row.argsJson) === seq
      if (isWording && (await namespace.redact(roomId, row.seq))) count++
    }
    const last = events.at(-1)
    if (last === undefined || !more) break
    after = last.seq
  }
  return count
}

/** Stays with the notice of the redaction, so that who comes later still sees whose message was deleted. */
export function authorOf(argsJson: string): { author?: { userId: string; name: string } } {
  const [data] = JSON.parse(argsJson) as unknown[]
  if (!isRecord(data) || typeof data.userId !== 'string' || typeof data.name !== 'string') return {}
  return { author: { userId: data.userId, name: data.name } }
}

function targetOf(argsJson: string): unknown {
  const [data] = JSON.parse(argsJson) as unknown[]
  return isRecord(data) ? data.target : undefined
}

/** Redacts messages: empties a message and its edits in the log. They keep their numbers. */
import { isRecord } from '@roomful/protocol'
import { RoomfulError } from '../core/base/errors.ts'
import type { Hub } from '../core/hub.ts'
import type { Namespace } from '../core/namespace.ts'
import type { StoredRow } from '../core/ports/broker.ts'

/** Events that users can edit and redact. */
export const MESSAGES: ReadonlySet<string> = new Set(['message:new', 'message:private'])

const WORDINGS_PAGE = 100

/**
 * Redacts a message of any user on behalf of the server. In namespaces with chat, members receive `message:redacted`.
 * @returns how many events were emptied
 * @throws RoomfulError (rejects) NOT_FOUND, UNAVAILABLE
 */
export async function redactMessage(hub: Hub, namespace: Namespace, roomId: string, seq: number): Promise<number> {
  const { row, epoch } = await rowAt(hub, namespace, roomId, seq)
  if (row === undefined) throw new RoomfulError('NOT_FOUND', `There is no event ${seq} in this room`, { field: 'seq' })
  if (row.redacted) return 0
  if (!MESSAGES.has(row.type) || !namespace.state.vocabulary.has('message:redacted')) {
    return (await namespace.redact(roomId, seq, epoch)) ? 1 : 0
  }
  await stopWriting(namespace, roomId, seq, epoch)
  const args = [{ target: seq, ...authorOf(row.argsJson) }]
  await namespace.requests.publisher.store(roomId, 'message:redacted', args, undefined, undefined, {
    aboutSeq: seq,
    epoch,
  })
  return emptyWordings(hub, namespace, roomId, seq, epoch)
}

/** @returns an event by its number, as it is stored, and which log of the room the number is of */
export async function rowAt(
  hub: Hub,
  namespace: Namespace,
  roomId: string,
  seq: number,
): Promise<{ readonly row: StoredRow | undefined; readonly epoch: string | undefined }> {
  const { events, epoch } = await hub.runtime.broker.history(namespace.name, roomId, { after: seq - 1, limit: 1 })
  return { row: events[0]?.seq === seq ? events[0] : undefined, epoch }
}

/**
 * Empties a message and then its edits. In this order none is missed: no edit is stored after the message is empty.
 * @param epoch of the log that the number is of
 * @returns how many events were emptied
 */
export async function emptyWordings(
  hub: Hub,
  namespace: Namespace,
  roomId: string,
  seq: number,
  epoch: string | undefined,
): Promise<number> {
  let count = (await namespace.redact(roomId, seq, epoch)) ? 1 : 0
  for (let after = seq; ; ) {
    const { events, more } = await hub.runtime.broker.history(namespace.name, roomId, { after, limit: WORDINGS_PAGE })
    for (const row of events) {
      const isWording = row.type === 'message:edited' && targetOf(row.argsJson) === seq
      if (isWording && (await namespace.redact(roomId, row.seq, epoch))) count++
    }
    const last = events.at(-1)
    if (last === undefined || !more) break
    after = last.seq
  }
  return count
}

/** A message that is taken back while it is written ends first. @throws RoomfulError (rejects) UNAVAILABLE */
export async function stopWriting(
  { requests }: Namespace,
  roomId: string,
  seq: number,
  epoch: string | undefined,
): Promise<void> {
  const written = await requests.streams.find(roomId, seq)
  if (written) await requests.streams.end(roomId, seq, { ...written, epoch }, { state: 'cancelled' })
}

/** Stored with the redaction, so that clients can show later whose message it was. */
export function authorOf(argsJson: string): { author?: { userId: string; name: string } } {
  const [data] = JSON.parse(argsJson) as unknown[]
  if (!isRecord(data) || typeof data.userId !== 'string' || typeof data.name !== 'string') return {}
  return { author: { userId: data.userId, name: data.name } }
}

function targetOf(argsJson: string): unknown {
  const [data] = JSON.parse(argsJson) as unknown[]
  return isRecord(data) ? data.target : undefined
}

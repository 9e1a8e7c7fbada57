/**
 * Why a client did or did not see an event: what the log says of the event, and what the stories of the client's connections
 * say of the moment. One verdict per connection, with a stable code and a sentence. D8.
 */
import type { Chapter, Stories, Story } from '../adapters/observe/stories.ts'
import type { Connection } from '../core/connection.ts'
import type { Hub } from '../core/hub.ts'
import type { Namespace } from '../core/namespace.ts'
import type { StoredRow } from '../core/ports/broker.ts'
import { findNamespace } from './rooms.ts'

export interface Question {
  readonly namespace: string
  /** A connection's id, or a user's: then all connections that are remembered. */
  readonly who: string
  readonly roomId: string
  readonly seq: number
}

export type VerdictCode =
  | 'TOLD'
  | 'WAITING'
  | 'REPLAYED'
  | 'BEFORE_JOIN'
  | 'NOT_RECOVERED'
  | 'AFTER_LEAVE'
  | 'NOT_READ'
  | 'NEVER_JOINED'
  | 'NOT_STORED'
  | 'TRIMMED'
  | 'UNKNOWN'

export interface Verdict {
  readonly connectionId: string | undefined
  readonly code: VerdictCode
  readonly message: string
}

export interface Explanation {
  /** Null: it is not in the log. */
  readonly event: {
    readonly type: string
    /** Milliseconds since 1970. */
    readonly ts: number
    readonly userId: string | null
    readonly redacted: boolean
  } | null
  /** One for each connection that is remembered. */
  readonly verdicts: readonly Verdict[]
}

interface Found {
  readonly row: StoredRow | undefined
  readonly first: number
  readonly head: number
}

/** @throws RoomfulError (rejects) NOT_FOUND for a namespace that is none, UNAVAILABLE */
export async function explain(hub: Hub, stories: Stories, question: Question): Promise<Explanation> {
  const namespace = findNamespace(hub, question.namespace)
  const found = await find(hub, namespace, question)
  const { row } = found
  const event = row && { type: row.type, ts: row.ts, userId: row.userId ?? null, redacted: row.redacted }
  return { event: event ?? null, verdicts: verdicts(namespace, stories, question, found) }
}

async function find({ broker }: Hub, { name }: Namespace, { roomId, seq }: Question): Promise<Found> {
  const [head] = await broker.heads(name, [roomId])
  const { events } = await broker.history(name, roomId, { after: seq - 1, limit: 1 })
  const row = events.find((each) => each.seq === seq)
  return { row, first: head?.first ?? 1, head: head?.seq ?? 0 }
}

function verdicts(namespace: Namespace, stories: Stories, question: Question, { row, first, head }: Found): Verdict[] {
  const { who, roomId, seq } = question
  if (seq > head) return [about(undefined, 'NOT_STORED', `${roomId} has no event ${seq}: its latest is ${head}`)]
  const known = stories.find(who)
  const all = known ? [known] : stories.ofUser(namespace.name, who)
  if (all.length === 0) {
    const message = `Nothing is remembered of ${who} in ${namespace.name}: neither a connection of this id, nor one of this user`
    return [about(undefined, 'UNKNOWN', message)]
  }
  const told = all.map((story) => verdict(story, namespace.connections.get(story.connection.id), question, row))
  if (row || seq >= first) return told
  return [...told, about(undefined, 'TRIMMED', `Event ${seq} itself is no longer kept: the log begins at ${first}`)]
}

function verdict(
  story: Story,
  connection: Connection | undefined,
  { roomId, seq }: Question,
  row: StoredRow | undefined,
): Verdict {
  const { id } = story.connection
  const inRoom = story.chapters.filter(
    (chapter): chapter is RoomChapter => 'roomId' in chapter && chapter.roomId === roomId,
  )
  if (inRoom.length === 0) {
    const since = story.forgotten > 0 ? ', as far back as is remembered' : ''
    return about(id, 'NEVER_JOINED', `It was not in ${roomId}${since}`)
  }
  const last = inRoom.findLast((chapter) => chapter.type === 'room:left' || chapter.after < seq)
  if (last === undefined) return beforeJoin(id, inRoom[0] as RoomChapter, seq)
  if (last.type === 'room:left') return afterLeave(id, last, inRoom, seq, row)
  const membership = connection?.memberships.get(roomId)
  if (membership === undefined) return about(id, 'TOLD', `It was in ${roomId} when event ${seq} was told`)
  if (connection?.behind && membership.position < seq) {
    const message = `It reads slowly: it was told up to ${membership.position}, and gets ${seq} from the log when it reads on`
    return about(id, 'WAITING', message)
  }
  if (seq <= last.seq)
    return about(id, 'REPLAYED', `It joined at ${last.seq} and was told what it had missed, from ${last.after + 1} on`)
  return about(id, 'TOLD', `It joined at ${last.seq} and was told event ${seq} when that was stored`)
}

/** It came later, and was not told what was before. */
function beforeJoin(id: string, chapter: RoomChapter, seq: number): Verdict {
  if (chapter.type === 'room:joined' && chapter.recovered === false) {
    const message = `It came back with a position that could not be served (${chapter.reason}), and was told from ${chapter.after + 1} on`
    return about(id, 'NOT_RECOVERED', message)
  }
  const joinedAt = chapter.type === 'room:joined' ? chapter.after : chapter.seq
  return about(
    id,
    'BEFORE_JOIN',
    `It joined after event ${joinedAt}, so ${seq} is history for it: history:get, or a join with after`,
  )
}

/** It was there and is gone: during one of its stays, between two, or after the last. */
function afterLeave(
  id: string,
  last: Left,
  inRoom: readonly RoomChapter[],
  seq: number,
  row: StoredRow | undefined,
): Verdict {
  const stay = inRoom.findIndex((chapter) => chapter.type === 'room:left' && chapter.seq >= seq)
  if (stay < 0) {
    // It left behind what it had been told up to, which may be less than what was stored by then.
    if (row && row.ts < last.at) {
      const message = `It left the room (${last.reason}) when it had been told up to ${last.seq}, and had not read event ${seq} yet`
      return about(id, 'NOT_READ', message)
    }
    return about(id, 'AFTER_LEAVE', `It left the room at ${last.seq} (${last.reason}), before event ${seq}`)
  }
  const left = inRoom[stay] as Left
  const join = inRoom.slice(0, stay).findLast((chapter) => chapter.type === 'room:joined')
  if (join?.type === 'room:joined' && join.after >= seq) return beforeJoin(id, join, seq)
  return about(id, 'TOLD', `It was in the room until ${left.seq} (${left.reason}), and was told event ${seq}`)
}

type RoomChapter = Extract<Chapter, { roomId: string }>
type Left = Extract<RoomChapter, { type: 'room:left' }>

function about(connectionId: string | undefined, code: VerdictCode, message: string): Verdict {
  return { connectionId, code, message }
}

/**
 * Explains why a client did or did not receive an event, from the log and the stories of the client's connections. The
 * result is one sentence about the user and a verdict for each connection. D8.
 */
import { CONNECTION_ID_PREFIX } from '@roomful/protocol'
import type { Hub } from '../../core/hub.ts'
import type { Namespace } from '../../core/namespace.ts'
import type { StoredRow } from '../../core/ports/broker.ts'
import type { NodesReached } from '../../core/ports/nodes.ts'
import type { Connection } from '../../core/state/namespace-state.ts'
import type { Chapter, Stories, Story } from '../observe/stories.ts'
import { findNamespace } from './exchange.ts'

/** Which event, and which client. */
export interface Question {
  readonly namespace: string
  /** The id of a connection, or of a user for all remembered connections. */
  readonly who: string
  readonly roomId: string
  readonly seq: number
}

/** Stable codes of verdicts. */
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

/** Why one connection did or did not receive the event. */
export interface Verdict {
  readonly connectionId: string | undefined
  readonly code: VerdictCode
  readonly message: string
}

/** Whether the event was delivered. */
export interface Answer {
  /** `waiting`: it will be delivered. `unknown`: there is no record. */
  readonly delivered: 'yes' | 'waiting' | 'no' | 'unknown'
  /** One sentence about the user, over all connections. */
  readonly message: string
}

/** What `GET /api/server/explain` answers. */
export interface Explanation {
  readonly answer: Answer
  /** Null when it is not in the log. */
  readonly event: {
    readonly type: string
    /** Milliseconds since 1970. */
    readonly ts: number
    readonly userId: string | null
    readonly redacted: boolean
  } | null
  /** One for each remembered connection, at most the last 100. */
  readonly verdicts: readonly Verdict[]
  /** Left out where there are no others. */
  readonly nodes?: NodesReached
}

const VERDICTS_MAX = 100

interface Found {
  readonly row: StoredRow | undefined
  readonly first: number
  readonly head: number
}

/** Answers a question. @throws RoomfulError (rejects) NOT_FOUND for an unknown namespace, UNAVAILABLE */
export async function explain(hub: Hub, stories: Stories, question: Question): Promise<Explanation> {
  const namespace = findNamespace(hub, question.namespace)
  const found = await find(hub, namespace, question)
  const { row } = found
  const event = row && { type: row.type, ts: row.ts, userId: row.userId ?? null, redacted: row.redacted }
  const { verdicts, name, nodes } = await verdictsOfAll(hub, namespace, stories, { question, found })
  return {
    answer: answerOf(verdicts, name, question),
    event: event ?? null,
    verdicts: verdicts.slice(-VERDICTS_MAX),
    ...(nodes && { nodes }),
  }
}

/** What a node that has, or had, connections of the client is asked. */
interface NodeCase {
  readonly question: Question
  readonly found: Found
}

interface NodeVerdicts {
  readonly verdicts: readonly Verdict[]
  readonly name: string
}

/** Answers the other nodes. */
export function answerExplanations(hub: Hub, stories: Stories): void {
  hub.runtime.nodes.on<NodeCase>('explain', (given, name) => verdictsHere(findNamespace(hub, name), stories, given))
}

function verdictsHere(namespace: Namespace, stories: Stories, { question, found }: NodeCase): NodeVerdicts {
  const all = verdictsOf(namespace, stories, question, found)
  return { verdicts: all.slice(-VERDICTS_MAX), name: nameIn(namespace, stories, question.who) }
}

/** Each node knows the stories of its own connections; those of a node that has ended are gone. */
async function verdictsOfAll(
  hub: Hub,
  namespace: Namespace,
  stories: Stories,
  given: NodeCase,
): Promise<NodeVerdicts & Pick<Explanation, 'nodes'>> {
  const here = verdictsHere(namespace, stories, given)
  if (given.question.seq > given.found.head) return here
  const { asked, answered, answers, hasEnded } = await askOthers(hub, namespace, given)
  if (asked === 0 && !hasEnded) return here
  const nodes = { asked, answered }
  const all = [...answers, here]
  const verdicts = all.flatMap((each) => each.verdicts)
  const known = verdicts.filter(({ connectionId }) => connectionId !== undefined)
  const unknown = here.verdicts.filter(({ code }) => code === 'UNKNOWN')
  if (known.length === 0 && unknown.length > 0) {
    const why = hasEnded ? ': its node ended' : ' on any node; what a node knew that has ended, ended with it'
    const message = `${unknown[0]?.message}${why}`
    return { verdicts: [about(undefined, 'UNKNOWN', message)], name: here.name, nodes }
  }
  const trimmed = verdicts.filter(({ code }) => code === 'TRIMMED').slice(0, 1)
  const { name } = all.find((each) => each.name !== given.question.who) ?? here
  return { verdicts: [...known, ...trimmed], name, nodes }
}

/** Of one connection a node that knows it is enough; a user may have been on all of them. */
async function askOthers(hub: Hub, namespace: Namespace, given: NodeCase) {
  const { nodes } = hub.runtime
  const { who } = given.question
  if (!who.startsWith(CONNECTION_ID_PREFIX)) {
    const { asked, answered, answers } = await nodes.ask<NodeVerdicts>('explain', given, namespace.name)
    return { asked, answered, answers: answers.map(({ value }) => value), hasEnded: false }
  }
  const question = { kind: 'explain', body: given, namespace: namespace.name }
  const isKnown = ({ verdicts }: NodeVerdicts): boolean =>
    verdicts.some(({ connectionId }) => connectionId !== undefined)
  const { asked, answered, value, hasEnded } = await nodes.askAbout<NodeVerdicts>(who, question, isKnown)
  return { asked, answered, answers: value ? [value] : [], hasEnded }
}

async function find({ runtime: { broker } }: Hub, { name }: Namespace, { roomId, seq }: Question): Promise<Found> {
  const [head] = await broker.heads(name, [roomId])
  const { events } = await broker.history(name, roomId, { after: seq - 1, limit: 1 })
  const row = events.find((each) => each.seq === seq)
  return { row, first: head?.first ?? 1, head: head?.seq ?? 0 }
}

function verdictsOf(
  namespace: Namespace,
  stories: Stories,
  question: Question,
  { row, first, head }: Found,
): Verdict[] {
  const { who, roomId, seq } = question
  if (seq > head) return [about(undefined, 'NOT_STORED', `${roomId} has no event ${seq}; the latest is ${head}`)]
  const known = stories.find(who)
  const all = known ? [known] : stories.ofUser(namespace.name, who)
  if (all.length === 0) {
    const message = `There is no record of ${who} in ${namespace.name}: no connection with this id, and none of a user with this id`
    return [about(undefined, 'UNKNOWN', message)]
  }
  const found = all.map((story) => verdict(story, namespace.connections.get(story.connection.id), question, row))
  if (row || seq >= first) return found
  return [...found, about(undefined, 'TRIMMED', `Event ${seq} itself is no longer kept; the log starts at ${first}`)]
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
    const since = story.forgotten > 0 ? ', as far back as the record goes' : ''
    return about(id, 'NEVER_JOINED', `It was never in ${roomId}${since}`)
  }
  const last = inRoom.findLast((chapter) => chapter.type === 'room:left' || chapter.after < seq)
  if (last === undefined) return beforeJoin(id, inRoom[0] as RoomChapter, seq)
  if (last.type === 'room:left') return afterLeave(id, last, inRoom, seq, row)
  const membership = connection?.memberships.get(roomId)
  if (membership === undefined) return about(id, 'TOLD', `It was in ${roomId} when event ${seq} was delivered`)
  if (connection?.behind && membership.position < seq) {
    const message = `It reads slowly: it has received events up to ${membership.position} and gets ${seq} from the log once it catches up`
    return about(id, 'WAITING', message)
  }
  if (seq <= last.seq)
    return about(
      id,
      'REPLAYED',
      `It came back at event ${last.seq} and received what it had missed, from event ${last.after + 1} on`,
    )
  return about(id, 'TOLD', `It joined at event ${last.seq} and received event ${seq} live`)
}

/** The connection joined after the event. */
function beforeJoin(id: string, chapter: RoomChapter, seq: number): Verdict {
  if (chapter.type === 'room:joined' && chapter.recovered === false) {
    const message = `It came back with a position that could not be recovered (${chapter.reason}) and received events from ${chapter.after + 1} on`
    return about(id, 'NOT_RECOVERED', message)
  }
  const joinedAt = chapter.type === 'room:joined' ? chapter.after : chapter.seq
  return about(
    id,
    'BEFORE_JOIN',
    `It joined after event ${joinedAt}, so ${seq} is history for it: use history:get, or join with after`,
  )
}

/** The connection has left the room. The event was sent during one of its memberships, between two, or after the last. */
function afterLeave(
  id: string,
  last: Left,
  inRoom: readonly RoomChapter[],
  seq: number,
  row: StoredRow | undefined,
): Verdict {
  const stay = inRoom.findIndex((chapter) => chapter.type === 'room:left' && chapter.seq >= seq)
  if (stay < 0) {
    // `last.seq` is the last event that was delivered to it. More may have been stored before it left.
    if (row && row.ts < last.at) {
      const message = `It left the room (${last.reason}) with events up to ${last.seq} received, and had not read event ${seq} yet`
      return about(id, 'NOT_READ', message)
    }
    return about(id, 'AFTER_LEAVE', `It left the room after event ${last.seq} (${last.reason}), before event ${seq}`)
  }
  const left = inRoom[stay] as Left
  const join = inRoom.slice(0, stay).findLast((chapter) => chapter.type === 'room:joined')
  if (join?.type === 'room:joined' && join.after >= seq) return beforeJoin(id, join, seq)
  return about(id, 'TOLD', `It was in the room until event ${left.seq} (${left.reason}) and received event ${seq}`)
}

/** The name that the answer uses for the client. */
function nameIn(namespace: Namespace, stories: Stories, who: string): string {
  const story = stories.find(who)
  if (story) return `${story.connection.user.name}’s connection`
  return stories.ofUser(namespace.name, who).at(-1)?.connection.user.name ?? who
}

/** The verdicts as one sentence: of the connection that received the event, or else the most likely reason. */
function answerOf(verdicts: readonly Verdict[], name: string, { roomId, namespace }: Question): Answer {
  const count = (code: VerdictCode): number => verdicts.filter((each) => each.code === code).length
  const isKept = count('TRIMMED') === 0
  const answer = (delivered: Answer['delivered'], message: string): Answer => ({
    delivered,
    message: isKept ? message : `${message} The event itself is no longer kept.`,
  })
  const later = isKept ? ' It’s in the room’s history.' : ''
  const connections = verdicts.filter(({ connectionId }) => connectionId !== undefined).length
  const received = count('TOLD') + count('REPLAYED')
  if (received > 0) {
    const where = connections === 1 ? '' : `, on ${received} of ${connections} connections`
    if (count('TOLD') > 0) return answer('yes', `Yes. It was delivered to ${name}${where}.`)
    return answer('yes', `Yes. It was delivered to ${name} after they came back${where}.`)
  }
  if (count('WAITING') > 0) {
    return answer('waiting', `Not yet. ${name} has a slow connection and gets it once that catches up.`)
  }
  if (count('NOT_READ') > 0) return answer('no', `No. ${name} went offline before it arrived.`)
  if (count('NOT_RECOVERED') > 0) {
    return answer('no', `No. ${name} came back, but what they had missed could not be recovered.${later}`)
  }
  if (count('BEFORE_JOIN') > 0 && count('AFTER_LEAVE') > 0) {
    return answer('no', `No. ${name} had left ${roomId} when it was sent and came back later.${later}`)
  }
  if (count('BEFORE_JOIN') > 0) return answer('no', `No. ${name} joined ${roomId} after it was sent.${later}`)
  if (count('AFTER_LEAVE') > 0) return answer('no', `No. ${name} had left ${roomId} before it was sent.`)
  if (count('NEVER_JOINED') > 0) return answer('no', `No. ${name} was never in ${roomId}.`)
  if (count('NOT_STORED') > 0)
    return { delivered: 'no', message: `No. There’s no such event: ${verdicts[0]?.message}.` }
  return answer('unknown', `We can’t tell. There’s no record of ${name} in ${namespace}.`)
}

type RoomChapter = Extract<Chapter, { roomId: string }>
type Left = Extract<RoomChapter, { type: 'room:left' }>

function about(connectionId: string | undefined, code: VerdictCode, message: string): Verdict {
  return { connectionId, code, message }
}

/** What admins may inspect: connections, their stories, and why one did not receive an event. */
import { isPersonalRoom } from '@roomful/protocol'
import { Type } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Namespace } from '../../core/namespace.ts'
import type { ObservedConnection } from '../../core/ports/observer.ts'
import type { Connection } from '../../core/state/namespace-state.ts'
import type { Stories } from '../observe/stories.ts'
import {
  LIST_MAX,
  type ListPage,
  listPage,
  NamespaceName,
  Nodes,
  PageOfList,
  RoomName,
  type Route,
  server,
} from './declare.ts'
import { findNamespace } from './exchange.ts'
import { answerExplanations, explain } from './explain.ts'
import type { HttpHost } from './host.ts'

const inspection = {
  tag: 'inspection',
  access: 'admin',
  isServed: ({ keepsStories }: HttpHost) => keepsStories,
} as const
const errors = ['NOT_FOUND', 'UNAVAILABLE'] as const

const ConnectionFields = {
  connectionId: Type.String(),
  namespace: Type.String(),
  userId: Type.String(),
  name: Type.String(),
  role: Type.String(),
  ip: Type.String(),
  userAgent: Type.String(),
  openedAt: Type.Integer(),
}

const Listed = Type.Object({
  ...ConnectionFields,
  dialect: Type.String({ description: 'The form of the wire that it speaks.' }),
  rooms: Type.Integer({ description: 'How many it is in, personal ones left out.' }),
  isBehind: Type.Boolean({ description: 'It reads slowly: its events wait in the log.' }),
  queuedBytes: Type.Integer(),
})

const Chapter = Type.Object({ at: Type.Integer(), type: Type.String() }, { additionalProperties: true })

const Verdict = Type.Object({
  connectionId: Type.Optional(Type.String()),
  code: Type.String({
    description:
      'TOLD, WAITING, REPLAYED, BEFORE_JOIN, NOT_RECOVERED, AFTER_LEAVE, NOT_READ, NEVER_JOINED, NOT_STORED, TRIMMED or UNKNOWN.',
  }),
  message: Type.String({ description: 'The same as a sentence.' }),
})

const example = {
  connectionId: 'c_Xk3v9QhT1mZp7RwLs2Bd',
  namespace: '/',
  userId: 'ann',
  name: 'Ann',
  role: 'user',
  ip: '192.0.2.7',
  userAgent: 'Mozilla/5.0',
  openedAt: 1763712000456,
}

export const inspectionRoutes: readonly Route[] = [
  server('GET', 'connections', {
    ...inspection,
    summary: 'The connections that are open in a namespace, on all nodes, by id.',
    query: Type.Object({
      namespace: NamespaceName,
      userId: Type.Optional(Type.String({ description: 'Those of this user.' })),
      ...PageOfList,
    }),
    answer: Type.Object({ connections: Type.Array(Listed), more: Type.Boolean(), ...Nodes }),
    errors,
    example: {
      query: { limit: '100' },
      answer: {
        connections: [{ ...example, dialect: 'v1', rooms: 1, isBehind: false, queuedBytes: 0 }],
        more: false,
      },
    },
    respond: ({ host, query: { namespace = '/', userId, after = '', limit = LIST_MAX } }) =>
      listOnAll(host, namespace, { userId, page: { after, limit } }),
  }),
  server('GET', 'connections/{connectionId}', {
    ...inspection,
    summary:
      'The story of a connection, also for a while after its end: joins, leaves, slowness, refusals, why it went.',
    params: Type.Object({ connectionId: Type.String() }),
    answer: Type.Object({
      connection: Type.Object(ConnectionFields),
      chapters: Type.Array(Chapter, { description: 'Oldest first, the latest 64.' }),
      forgotten: Type.Integer({ description: 'How many came before them.' }),
      ending: Type.Union([Type.Null(), Type.Object({ at: Type.Integer(), reason: Type.String() })]),
    }),
    errors: ['NOT_FOUND'],
    example: {
      params: { connectionId: example.connectionId },
      answer: {
        connection: example,
        chapters: [{ at: 1763712000460, type: 'room:joined', roomId: 'lobby', seq: 40, after: 40 }],
        forgotten: 0,
        ending: null,
      },
    },
    respond: ({ host, params }) => findStory(host, params.connectionId),
  }),
  server('GET', 'explain', {
    ...inspection,
    summary: 'Why a client did, or did not, see an event of a room.',
    query: Type.Object({
      namespace: NamespaceName,
      who: Type.String({ minLength: 1, description: 'The id of a connection, or of a user.' }),
      roomId: RoomName,
      seq: Type.Integer({ minimum: 1, description: 'Number of the event.' }),
    }),
    answer: Type.Object({
      answer: Type.Object({
        delivered: Type.Union([
          Type.Literal('yes'),
          Type.Literal('waiting'),
          Type.Literal('no'),
          Type.Literal('unknown'),
        ]),
        message: Type.String({ description: 'One sentence about the person, whichever connection it was.' }),
      }),
      event: Type.Union([
        Type.Null(),
        Type.Object({
          type: Type.String(),
          ts: Type.Integer(),
          userId: Type.Union([Type.Null(), Type.String()]),
          redacted: Type.Boolean(),
        }),
      ]),
      verdicts: Type.Array(Verdict),
      ...Nodes,
    }),
    errors,
    example: {
      query: { who: 'ann', roomId: 'lobby', seq: '41' },
      answer: {
        answer: { delivered: 'no', message: 'No. Ann had left lobby before it was sent.' },
        event: { type: 'message:new', ts: 1763712000456, userId: 'bob', redacted: false },
        verdicts: [
          {
            connectionId: example.connectionId,
            code: 'AFTER_LEAVE',
            message: 'It left the room after event 40 (left), before event 41',
          },
        ],
      },
    },
    respond: ({ host, query: { namespace = '/', ...question } }) =>
      explain(host.hub, host.stories, { namespace, ...question }),
  }),
]

interface ConnectionQuestion {
  readonly userId?: string | undefined
  readonly page: ListPage
}

interface ConnectionPage {
  readonly connections: ReturnType<typeof describe>[]
  readonly more: boolean
}

/** Answers what the same paths on other nodes ask. */
export function answerInspection({ hub, stories, keepsStories }: HttpHost): void {
  const { nodes } = hub.runtime
  answerExplanations(hub, stories)
  nodes.on<ConnectionQuestion>('connections', (question, name) => listHere(findNamespace(hub, name), question))
  nodes.on<{ connectionId: string }>('story', ({ connectionId }) => keepsStories && storyHere(stories, connectionId))
}

/** A page of each node, put together: each has whatever of the first ones is its own. */
async function listOnAll({ hub }: HttpHost, name: string, question: ConnectionQuestion): Promise<unknown> {
  const here = listHere(findNamespace(hub, name), question)
  const { asked, answered, answers } = await hub.runtime.nodes.ask<ConnectionPage>('connections', question, name)
  if (asked === 0) return here
  const pages = [here, ...answers.map(({ value }) => value)]
  const all = pages.flatMap(({ connections }) => connections)
  const { items: connections, more } = listPage(all, ({ connectionId }) => connectionId, question.page)
  return { connections, more: more || pages.some((each) => each.more), nodes: { asked, answered } }
}

function listHere(namespace: Namespace, { userId, page }: ConnectionQuestion): ConnectionPage {
  const { connections, users } = namespace.state
  const all = userId === undefined ? connections.values() : (users.get(userId)?.connections ?? [])
  const { items, more } = listPage(Array.from(all), ({ id }) => id, page)
  return { connections: items.map(describe), more }
}

/** The node that gave out its id is asked first; with the end of a node the stories that it knew are gone. */
async function findStory({ hub, stories }: HttpHost, connectionId: string): Promise<unknown> {
  const here = storyHere(stories, connectionId)
  if (here) return here
  const question = { kind: 'story', body: { connectionId } }
  const found = await hub.runtime.nodes.askAbout<object | false>(connectionId, question, (value) => value !== false)
  if (found.value) return found.value
  const { asked, answered, hasEnded } = found
  const gone = hasEnded ? ': its node ended, and its story with it' : ''
  const silent = asked === answered ? '' : `; ${asked - answered} of ${asked} other nodes did not answer`
  throw new RoomfulError('NOT_FOUND', `Nothing is remembered of ${connectionId}${gone}${silent}`, {
    field: 'connectionId',
  })
}

function storyHere(stories: Stories, connectionId: string): object | false {
  const story = stories.find(connectionId)
  if (story === undefined) return false
  const { connection, openedAt, chapters, forgotten, ending = null } = story
  return { connection: { ...aboutConnection(connection), openedAt }, chapters, forgotten, ending }
}

function describe(connection: Connection) {
  const { openedAt, link, memberships, behind } = connection
  const { queuedBytes, dialect } = link
  const rooms = [...memberships.keys()].filter((roomId) => !isPersonalRoom(roomId)).length
  const more = { openedAt, dialect: dialect.name, rooms, isBehind: behind !== undefined, queuedBytes }
  return { ...aboutConnection(connection), ...more }
}

function aboutConnection({ id, namespace, user, ip, userAgent }: ObservedConnection) {
  const { sub: userId, name, role } = user
  return { connectionId: id, namespace: namespace.name, userId, name, role, ip, userAgent }
}

/** The state of the server, for load balancers, monitoring and people. PROTOCOL.md, section 12. A2.5. */
import { PROTOCOL_VERSION } from '@roomful/protocol'
import { type Static, Type } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Hub } from '../../core/hub.ts'
import { endpoint, Nodes, type Route, server } from './declare.ts'
import type { HttpHost } from './host.ts'

const count = Type.Integer({ minimum: 0 })

const fields = {
  state: Type.Union([
    Type.Literal('starting'),
    Type.Literal('ready'),
    Type.Literal('draining'),
    Type.Literal('closed'),
  ]),
  versions: Type.Object({ roomful: Type.String(), protocol: Type.Integer(), node: Type.String() }),
  now: Type.Integer({ description: 'Milliseconds since 1970.' }),
  uptimeMs: count,
  links: Type.Integer({ minimum: 0, description: 'Sockets, streams and polls: what `/health` calls clients.' }),
  connections: Type.Integer({ minimum: 0, description: 'Of all namespaces; one link can carry several.' }),
  rooms: Type.Integer({
    minimum: 0,
    description: 'Rooms with members, personal ones left out, as in lists of rooms.',
  }),
  namespaces: Type.Array(
    Type.Object({
      name: Type.String(),
      connections: count,
      users: Type.Integer({ minimum: 0, description: 'Each once; with those who were cut off and are waited for.' }),
      rooms: count,
      n: Type.Integer({ minimum: 0, description: 'Its latest commit.' }),
    }),
  ),
  queues: Type.Object({
    slowLinks: Type.Integer({ minimum: 0, description: 'Links that read more slowly than the server sends.' }),
    behind: Type.Integer({ minimum: 0, description: 'Connections that read from the log instead of being pushed to.' }),
    outboxBytes: Type.Integer({ minimum: 0, description: 'What waits to be read by clients, all together.' }),
    storing: Type.Boolean({ description: 'Something waits to be stored.' }),
  }),
  memory: Type.Object({ rssBytes: count, heapUsedBytes: count }),
  storage: Type.Object({ healthy: Type.Boolean() }),
}
const node = Type.String({ description: 'Its name among the nodes, for as long as it runs.' })
const NodeStatus = Type.Object({ node, ...fields })
type NodeStatus = Static<typeof NodeStatus>

const ServerStatus = Type.Object({
  ...fields,
  node: Type.Optional(node),
  others: Type.Optional(
    Type.Array(NodeStatus, {
      description: 'The same of each other node that answered; left out where there are none.',
    }),
  ),
  ...Nodes,
})
type ServerStatus = Static<typeof ServerStatus>

const statusExample: ServerStatus = {
  state: 'ready',
  versions: { roomful: '1.0.0', protocol: 1, node: '26.10.0' },
  now: 1763712000456,
  uptimeMs: 86_400_000,
  links: 3,
  connections: 4,
  rooms: 2,
  namespaces: [{ name: '/', connections: 4, users: 3, rooms: 2, n: 1711 }],
  queues: { slowLinks: 0, behind: 0, outboxBytes: 0, storing: false },
  memory: { rssBytes: 90_000_000, heapUsedBytes: 30_000_000 },
  storage: { healthy: true },
}

export const statusRoutes: readonly Route[] = [
  endpoint(
    {
      method: 'GET',
      path: '/health',
      tag: 'status',
      summary: 'That the process lives, and how many links it has, whatever they speak.',
      access: 'anyone',
      answer: Type.Object({ status: Type.Literal('ok'), clients: Type.Integer({ minimum: 0 }) }),
      example: { answer: { status: 'ok', clients: 0 } },
    },
    { respond: ({ host }) => ({ status: 'ok', clients: host.hub.links.open.size }) },
  ),
  endpoint(
    {
      method: 'GET',
      path: '/ready',
      tag: 'status',
      summary: 'Whether the server should be sent clients.',
      description: '503 while it starts, while it goes down, and while it is cut off from its storage.',
      access: 'anyone',
      answer: Type.Object({ status: Type.Literal('ready') }),
      errors: ['UNAVAILABLE'],
      example: { answer: { status: 'ready' } },
    },
    {
      respond({ host }) {
        if (host.hub.isReady) return { status: 'ready' }
        throw new RoomfulError('UNAVAILABLE', 'Not ready', { retryAfterMs: 1_000 })
      },
    },
  ),
  endpoint(
    {
      method: 'GET',
      path: '/api/status',
      tag: 'status',
      summary: 'That the server is online.',
      access: 'anyone',
      answer: Type.Object({ status: Type.Literal('online') }),
      example: { answer: { status: 'online' } },
    },
    { respond: () => ({ status: 'online' }) },
  ),
  {
    method: 'GET',
    segment: 'metrics',
    path: /^\/metrics$/,
    declaration: {
      method: 'GET',
      path: '/metrics',
      tag: 'status',
      summary: 'Numbers for Prometheus, without names of rooms or users.',
      description: '404 where the server has no prom-client: `npm install prom-client@^15.1.0` adds them.',
      access: 'anyone',
      answer: Type.String(),
      answerType: 'text/plain',
      example: { answer: '# HELP roomful_requests_total Requests of clients, by what came of them.\n' },
    },
    async answer({ response }, { metrics }) {
      if (!metrics)
        throw new RoomfulError('NOT_FOUND', 'There are no metrics here: run npm install prom-client@^15.1.0')
      const headers = { 'Content-Type': metrics.contentType, 'Cache-Control': 'no-store' }
      const text = await metrics.text()
      response.writeHead(200, headers).end(text)
    },
  },
]

/** Detailed status, with the API key. */
export const serverStatusRoute: Route = server('GET', 'status', {
  summary:
    'How the server is: links, connections, rooms, queues, memory, versions. With several nodes, how each of them is.',
  answer: ServerStatus,
  example: { answer: statusExample },
  respond: ({ host }) => statusOfAll(host),
})

const STATUS = 'status'

/** Answers what the same path on another node asks. */
export function answerStatus(host: HttpHost): void {
  const { nodes } = host.hub.runtime
  nodes.on<null>(STATUS, (): NodeStatus => ({ node: nodes.own, ...statusOf(host) }))
}

async function statusOfAll(host: HttpHost): Promise<ServerStatus> {
  const { nodes } = host.hub.runtime
  const { asked, answered, answers } = await nodes.ask<NodeStatus>(STATUS, null)
  const here = nodes.own === '' ? statusOf(host) : { node: nodes.own, ...statusOf(host) }
  if (asked === 0) return here
  const others = answers.map(({ value }) => value).toSorted((a, b) => (a.node < b.node ? -1 : 1))
  return { ...here, others, nodes: { asked, answered } }
}

function statusOf({ hub, version: roomful }: HttpHost): Omit<NodeStatus, 'node'> {
  const namespaces = hub.allNamespaces().map((namespace) => ({
    name: namespace.name,
    connections: namespace.state.connections.size,
    users: namespace.state.users.size,
    rooms: namespace.openRooms().length,
    n: namespace.state.headN,
  }))
  const { rss: rssBytes, heapUsed: heapUsedBytes } = process.memoryUsage()
  return {
    state: hub.state,
    versions: { roomful, protocol: PROTOCOL_VERSION, node: process.versions.node },
    now: hub.runtime.clock.now(),
    uptimeMs: Math.round(process.uptime() * 1_000),
    links: hub.links.open.size,
    connections: total(namespaces, 'connections'),
    rooms: total(namespaces, 'rooms'),
    namespaces,
    queues: queuesOf(hub),
    memory: { rssBytes, heapUsedBytes },
    storage: { healthy: hub.runtime.broker.healthy() },
  }
}

function total<Field extends string>(list: readonly Record<Field, number>[], field: Field): number {
  return list.reduce((sum, each) => sum + each[field], 0)
}

function queuesOf(hub: Hub): NodeStatus['queues'] {
  let slowLinks = 0
  let behind = 0
  let outboxBytes = 0
  for (const link of hub.links.open) {
    if (link.slow) slowLinks++
    outboxBytes += link.queuedBytes
    for (const connection of link.connections) if (connection.behind) behind++
  }
  return {
    slowLinks,
    behind,
    outboxBytes,
    storing: hub.allNamespaces().some(({ requests }) => !requests.commit.isIdle),
  }
}

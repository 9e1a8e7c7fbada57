/** How a server is, in numbers: what `/api/server/status` answers. */
import { type Static, Type } from 'typebox'

const count = Type.Integer({ minimum: 0 })

export const ServerStatus = Type.Object({
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
    description: 'With somebody in them, personal ones left out, as in lists of rooms.',
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
    slowLinks: Type.Integer({ minimum: 0, description: 'Links that read more slowly than they are told.' }),
    behind: Type.Integer({ minimum: 0, description: 'Connections that read from the log instead of being pushed to.' }),
    outboxBytes: Type.Integer({ minimum: 0, description: 'What waits to be read by clients, all together.' }),
    storing: Type.Boolean({ description: 'Something waits to be stored.' }),
  }),
  memory: Type.Object({ rssBytes: count, heapUsedBytes: count }),
  storage: Type.Object({ healthy: Type.Boolean() }),
})
export type ServerStatus = Static<typeof ServerStatus>

export const statusExample: ServerStatus = {
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

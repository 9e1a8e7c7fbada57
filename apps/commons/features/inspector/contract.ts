/** What administrators see, on `/admin`. What they do about people goes over HTTP. B14, D8. */
import { defineContract, event } from '@roomful/server'
import { z } from 'zod'

export type { Explanation, Verdict } from '@roomful/server'

const stats = z.object({
  /** Milliseconds since 1970. */
  at: z.number(),
  /** Of one core, 1 is all of it. */
  cpu: z.number(),
  memory: z.object({ rssBytes: z.number(), heapUsedBytes: z.number() }),
  /** How late the event loop was, at the 99th percentile of the interval. */
  lagMs: z.number(),
  /** Sockets, streams and polls, as `/health` counts them. */
  links: z.number(),
  /** Of every namespace, as the server's status counts them. */
  connections: z.number(),
  /** Who has a connection, each once. */
  users: z.number(),
  /** Rooms with members, personal rooms left out, as `room:all` lists them. */
  rooms: z.number(),
  /** A second, over the interval. */
  rates: z.object({ requests: z.number(), refused: z.number(), stored: z.number(), deliveries: z.number() }),
})
export type Stats = z.infer<typeof stats>

const connection = z.object({
  connectionId: z.string(),
  namespace: z.string(),
  userId: z.string(),
  name: z.string(),
  role: z.string(),
  ip: z.string(),
  userAgent: z.string(),
  dialect: z.string(),
  openedAt: z.number(),
  rooms: z.number(),
})
export type ConnectionInfo = z.infer<typeof connection>

/** Of its story more is asked over HTTP. */
const ended = connection
  .omit({ dialect: true, openedAt: true, rooms: true })
  .extend({ endedAt: z.number(), reason: z.string() })
export type EndedConnection = z.infer<typeof ended>

const room = z.object({ namespace: z.string(), roomId: z.string(), count: z.number() })
export type RoomInfo = z.infer<typeof room>

export const inspectorContract = defineContract({
  client: {
    /** Of the last hour, oldest first. */
    'stats:history': event({ ack: z.object({ status: z.literal('ok'), stats: z.array(stats) }) }),
    /** Those that ended lately, the latest first. */
    'connection:ended': event({ ack: z.object({ status: z.literal('ok'), ended: z.array(ended) }) }),
    /** The fullest first. */
    'room:all': event({ ack: z.object({ status: z.literal('ok'), rooms: z.array(room) }) }),
    'room:log': event({
      data: z.object({ namespace: z.string(), roomId: z.string(), before: z.number().int().optional() }),
      ack: z.object({ status: z.literal('ok'), events: z.array(z.record(z.string(), z.unknown())), more: z.boolean() }),
    }),
  },
  server: {
    /** Every 10 s. */
    'stats:update': event({ data: stats }),
  },
})

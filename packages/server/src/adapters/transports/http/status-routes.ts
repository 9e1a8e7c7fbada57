/** How the server is: for load balancers, monitoring, and people who wonder. WIRE 1, A2.5. */
import { RoomfulError } from '../../../core/errors.ts'
import { replyError, replyJson } from './reply.ts'
import type { Route } from './route.ts'

export const statusRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: /^\/health$/,
    answer: ({ response, host }) => replyJson(response, 200, { status: 'ok', clients: host.clients() }),
  },
  {
    method: 'GET',
    path: /^\/ready$/,
    answer({ response, host }) {
      if (host.ready()) return replyJson(response, 200, { status: 'ready' })
      replyError(response, new RoomfulError('UNAVAILABLE', 'Not ready', { retryAfterMs: 1_000 }))
    },
  },
  {
    method: 'GET',
    path: /^\/api\/status$/,
    answer: ({ response }) => replyJson(response, 200, { status: 'online' }),
  },
  {
    method: 'GET',
    path: /^\/metrics$/,
    async answer({ response, host }) {
      const { contentType, text } = await host.metrics()
      response.writeHead(200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }).end(text)
    },
  },
]

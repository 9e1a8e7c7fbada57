/** How the server is: for load balancers, monitoring, and people who wonder. WIRE 1, A2.5. */
import { Type } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import { endpoint } from './declare.ts'
import type { Route } from './route.ts'

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
    { respond: ({ host }) => ({ status: 'ok', clients: host.clients() }) },
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
        if (host.ready()) return { status: 'ready' }
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
    path: /^\/metrics$/,
    declaration: {
      method: 'GET',
      path: '/metrics',
      tag: 'status',
      summary: 'Numbers for Prometheus, without names of rooms or users.',
      access: 'anyone',
      answer: Type.String(),
      answerType: 'text/plain',
      example: { answer: '# HELP roomful_requests_total Requests of clients, by what came of them.\n' },
    },
    async answer({ response, host }) {
      const { contentType, text } = await host.metrics()
      response.writeHead(200, { 'Content-Type': contentType, 'Cache-Control': 'no-store' }).end(text)
    },
  },
]

/** How webhooks are going, and sending them again. */
import { Type } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Webhooks } from '../webhooks/webhooks.ts'
import { exact, NamespaceName, type Route, server } from './declare.ts'
import { findNamespace } from './exchange.ts'
import type { HttpHost } from './host.ts'

const count = Type.Integer({ minimum: 0 })

const WebhooksStatus = Type.Object({
  url: Type.String({ description: 'Where they go, without its query.' }),
  pending: Type.Integer({ minimum: 0, description: 'Rows of the outboxes that the receiver has not taken.' }),
  delivered: Type.Integer({ minimum: 0, description: 'Events since this node began to deliver.' }),
  lost: Type.Integer({ minimum: 0, description: 'Rows that were removed before they were delivered.' }),
  rejected: Type.Integer({ minimum: 0, description: 'Events that the receiver refused as not valid again and again.' }),
  failure: Type.Union([
    Type.Null(),
    Type.Object({ reason: Type.String(), since: count, attempts: count, nextAt: count }),
  ]),
  recent: Type.Array(
    Type.Object({
      at: count,
      id: Type.String(),
      namespace: Type.String(),
      events: count,
      types: Type.Array(Type.String()),
      outcome: Type.Union([Type.Literal('delivered'), Type.Literal('failed'), Type.Literal('rejected')]),
      reason: Type.String(),
      durationMs: Type.Number({ minimum: 0 }),
    }),
    { description: 'The latest attempts, the latest first.' },
  ),
})

const delivery = {
  at: 1763712000456,
  id: 'msg_2X0yqVtW5mGxkq8mD3n4c1Jb7aE',
  namespace: '/',
  events: 2,
  types: ['event.stored'],
  outcome: 'delivered',
  reason: '',
  durationMs: 12.5,
}
const url = 'https://example.org/hooks/roomful'
const status = { url, pending: 0, delivered: 1_711, lost: 0, rejected: 0, failure: null, recent: [delivery] }

/** @throws RoomfulError NOT_FOUND where there are none */
function webhooksOf({ webhooks }: HttpHost): Webhooks {
  const running = webhooks()
  if (running) return running
  throw new RoomfulError('NOT_FOUND', 'This server sends no webhooks: set ROOMFUL_WEBHOOK_URL', { field: 'webhooks' })
}

export const webhookRoutes: readonly Route[] = [
  server('GET', 'webhooks', {
    summary: 'How the deliveries of webhooks are going, on the node that delivers.',
    access: 'admin',
    answer: WebhooksStatus,
    errors: ['NOT_FOUND', 'UNAVAILABLE'],
    example: { answer: status },
    respond: ({ host }) => webhooksOf(host).status(),
  }),
  server('POST', 'webhooks/replay', {
    summary: 'Sends what happened since a moment again, with the ids that it had.',
    access: 'admin',
    body: Type.Object(
      {
        since: Type.Integer({ minimum: 0, description: 'Milliseconds since 1970.' }),
        namespace: NamespaceName,
      },
      exact,
    ),
    answer: Type.Object({ started: Type.Literal(true) }),
    errors: ['NOT_FOUND', 'UNAVAILABLE'],
    example: { body: { since: 1763712000456 }, answer: { started: true } },
    respond({ host, body }) {
      if (body.namespace !== undefined) findNamespace(host.hub, body.namespace)
      return webhooksOf(host).replay(body.since, body.namespace)
    },
  }),
]

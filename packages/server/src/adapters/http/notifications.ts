/** Notifications: polls for users, and publishing for other backends. B9, B10. PROTOCOL.md, section 12. */
import { inboxOf } from '@roomful/protocol'
import { Key, NotificationBody, UserId } from '@roomful/protocol/messages'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../core/hub.ts'
import { endpoint, exact, OK, type Route, server } from './declare.ts'
import { findNamespace, userAgentOf } from './exchange.ts'
import { NOTIFICATIONS } from './notification-polls.ts'
import { PAGE_MAX } from './rooms.ts'

/** Shorter than the time-outs of proxies. */
const WAIT_MAX_S = 25
/** A longer wait is accepted and shortened to {@link WAIT_MAX_S}. */
const WAIT_ASKED_MAX_S = 86_400

const NotifyBody = Type.Object(
  {
    userId: UserId,
    ...NotificationBody,
    key: Type.Optional({ ...Key, description: 'Makes a repeat harmless: it is answered as the first time.' }),
  },
  exact,
)

const Notification = Type.Object({
  id: Type.String(),
  ...NotificationBody,
  message: Type.String(),
  ts: Type.Integer({ description: 'Milliseconds since 1970.' }),
})
const example = { id: 'user:ann-1', ts: 1763712000456 }

export const notificationRoutes: readonly Route[] = [
  endpoint(
    {
      method: 'GET',
      path: '/api/notifications',
      tag: 'notifications',
      summary: 'Your notifications after a moment or a cursor, oldest first; the newest ones without either.',
      description:
        'A page has at most 100; ask again from its cursor. By timestamp, those of one millisecond are never torn apart, and stay together in a longer page if they must.',
      access: 'user',
      query: Type.Object({
        since: Type.Optional(
          Type.String({ description: 'Milliseconds since 1970, ISO 8601 with a zone, or the last cursor.' }),
        ),
        wait: Type.Optional(
          Type.Integer({
            minimum: 0,
            maximum: WAIT_ASKED_MAX_S,
            default: 0,
            description: `Seconds to wait for one when there is none, at most ${WAIT_MAX_S}. Not without \`since\`.`,
          }),
        ),
      }),
      answer: Type.Object({
        notifications: Type.Array(Notification, { description: `Mostly up to ${PAGE_MAX}.` }),
        cursor: Type.String({ description: 'For the next `since`.' }),
      }),
      errors: ['CURSOR_INVALID', 'FORBIDDEN', 'RATE_LIMITED', 'UNAVAILABLE', 'NOT_FOUND'],
      example: {
        query: { since: '1763712000000' },
        answer: { notifications: [{ ...example, message: 'Your order is on its way' }], cursor: '1k3v9q2x.17' },
      },
    },
    {
      respond({ host, identity, exchange, query: { since, wait = 0 } }) {
        const { response, ip } = exchange
        const gone = new AbortController()
        response.once('close', () => gone.abort())
        if (response.destroyed) gone.abort()
        const userAgent = userAgentOf(exchange)
        const waitMs = Math.min(wait, WAIT_MAX_S) * 1_000
        return host.notifications.poll({ identity, ip, userAgent }, { since, waitMs, signal: gone.signal })
      },
    },
  ),
  server('POST', 'notify', {
    summary: 'Tell a user something, now or when they are back.',
    body: NotifyBody,
    answer: Type.Object({ status: Type.Literal('ok'), id: Type.String(), ts: Type.Integer() }),
    errors: ['NOT_FOUND', 'UNAVAILABLE', 'CONFLICT', 'EXPIRED', 'ROOM_NAME_INVALID'],
    example: {
      body: { userId: 'ann', message: 'Your order is on its way', link: '/orders/7', key: 'order-7-notified' },
      answer: { status: 'ok', ...example },
    },
    respond: ({ host, body }) => notify(host.hub, body),
  }),
]

async function notify(hub: Hub, { userId, key, ...notification }: Static<typeof NotifyBody>): Promise<unknown> {
  const options = key === undefined ? {} : { key }
  const { id, ts } = await findNamespace(hub, NOTIFICATIONS).publish(
    inboxOf(userId),
    'notification',
    [notification],
    options,
  )
  return { ...OK, id, ts }
}

/** Messages about the connection itself rather than about a namespace. */
import { Type } from 'typebox'
import { down, Timestamp } from './definition.ts'

const User = Type.Object({ sub: Type.String(), name: Type.String(), role: Type.String() })

export const welcome = down('welcome', {
  delivery: 'transient',
  when: 'First, unless the credentials in the request were refused.',
  data: Type.Object({
    id: Type.String(),
    now: Timestamp,
    protocol: Type.Integer(),
    limits: Type.Record(Type.String(), Type.Integer()),
    heartbeat: Type.Object({ pingIntervalMs: Type.Integer(), pongTimeoutMs: Type.Integer() }),
  }),
})

export const authOk = down('auth_ok', {
  delivery: 'transient',
  when: 'After you were authenticated, and after each refresh.',
  data: Type.Object({ user: User }),
})

export const authExpiring = down('auth_expiring', {
  delivery: 'transient',
  when: '30 s before the token expires: send `auth` with a new one. Grace 30 s after `ts`, then close 4002.',
  data: Type.Object({ ts: Timestamp }),
})

export const serverDraining = down('server:draining', {
  delivery: 'transient',
  when: 'The server is about to restart: reconnect after this many ms. Each client gets another delay.',
  data: Type.Object({ reconnectAfterMs: Type.Integer() }),
})

export const notice = down('notice', {
  delivery: 'transient',
  when: 'A sentence for the user, such as that a changed role took a room away.',
  data: Type.Object({ code: Type.String(), message: Type.String(), roomId: Type.Optional(Type.String()) }),
})

export const reset = down('reset', {
  delivery: 'transient',
  when: 'Before the events of a room that cannot be replayed without a gap.',
  data: Type.Object({
    roomId: Type.String(),
    reason: Type.String(),
    from: Type.Integer(),
    to: Type.Integer(),
    /** The room's log from now on, where it is another one. */
    epoch: Type.Optional(Type.String()),
  }),
})

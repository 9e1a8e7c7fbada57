/** Keeps read positions and sends them to the user's other devices. Authors of direct messages get read receipts. */
import type { Commons } from '../../commons.ts'
import { readsContract } from './contract.ts'
import { ReadStore } from './store.ts'

const DIRECT = 'direct:'

export function addReads({ server, database, clock }: Commons): void {
  const namespace = server.get('/').extend(readsContract)
  const store = new ReadStore(database)

  namespace.on('reads:list', ({ user }) => {
    return { status: 'ok', marks: store.list(user.sub), receipts: store.receipts(user.sub) }
  })

  namespace.on('reads:mark', (context, given) => {
    const userId = context.user.sub
    // A clock that is ahead must not mark as read what is yet to be written.
    const mark = { ...given, at: Math.min(Math.floor(given.at), clock.now()) }
    if (!store.mark(userId, mark, clock.now())) return { status: 'ok' }
    context.to(`user:${userId}`).emit('reads:marked', mark)
    const peerId = mark.about.startsWith(DIRECT) ? mark.about.slice(DIRECT.length) : userId
    if (peerId !== userId) context.to(`user:${peerId}`).emit('direct:read', { userId, at: mark.at })
    return { status: 'ok' }
  })

  namespace.on('reads:forget', (context, { about }) => {
    const userId = context.user.sub
    if (store.forget(userId, about)) context.to(`user:${userId}`).emit('reads:forgotten', { about })
    return { status: 'ok' }
  })
}

/**
 * Support: a customer and a helper meet in the room `help:<userId>` of `/customer`, with the messages, typing and history of
 * every room. `/support` lists the customers who wait. B27.
 */
import { RoomfulError, type User } from '@roomful/server'
import type { Commons } from '../../commons.ts'
import { type HelpRequest, supportContract } from './contract.ts'
import { HelpStore } from './help-store.ts'
import type { CustomerNamespace } from './orders.ts'

const PREFIX = 'help:'
const HELPERS: ReadonlySet<string> = new Set(['admin', 'support'])

export function addHelp({ server, database, clock }: Commons, customer: CustomerNamespace): void {
  const support = server.get('/support').extend(supportContract)
  const store = new HelpStore(database)
  const mayMeet = (user: User, roomId: string): boolean => HELPERS.has(user.role) || roomId === `${PREFIX}${user.sub}`
  const allow = { join: mayMeet, publish: mayMeet, history: mayMeet, presence: mayMeet }
  customer.room(`${PREFIX}*`, { retention: 1_000, publish: 'members', allow })

  customer.on('help:ask', ({ user }) => {
    const roomId = PREFIX + user.sub
    if (store.find(roomId)) return { status: 'ok', roomId }
    const request: HelpRequest = { roomId, userId: user.sub, name: user.name, askedAt: clock.now() }
    store.open(request)
    customer.to(roomId).emit('help:state', { isOpen: true })
    support.emit('help:asked', request)
    return { status: 'ok', roomId }
  })

  customer.on('help:close', ({ user }, { roomId }) => {
    if (!mayMeet(user, roomId)) throw new RoomfulError('FORBIDDEN', 'You don’t have access to this conversation')
    if (!store.find(roomId)) return { status: 'ok' } // the other side was quicker
    store.close(roomId)
    customer.to(roomId).emit('help:state', { isOpen: false })
    support.emit('help:closed', { roomId })
    return { status: 'ok' }
  })

  support.on('help:list', () => ({ status: 'ok', requests: store.list() }))
}

import { type Roomful, RoomfulError } from '@roomful/server'
import { contract } from './contract.ts'

export function addAuction(roomful: Roomful): void {
  const auction = roomful.namespace('/auction', contract, { guests: true })
  auction.room('lot:*', { capacity: 100 })

  auction.on('bid:place', (context, { lot, amount }) => {
    if (!context.isIn(lot)) throw new RoomfulError('NOT_IN_ROOM', 'Join the lot before you bid')
    context.append(lot, 'bid:placed', { amount, by: context.user.name })
    return ([stored]) => ({ status: 'ok', number: stored?.seq ?? 0 })
  })
}

/** The rooms that people talk in: in `/public`, so that guests and members are in the same ones. Some are for members alone. */
import type { User } from '@roomful/server'
import type { Commons } from '../../commons.ts'
import { MEMBERS_PREFIX } from './room-names.ts'

export function addRooms({ server }: Commons): void {
  const isMember = (user: User): boolean => !user.guest
  const allow = { join: isMember, publish: isMember, history: isMember, presence: isMember }
  server.get('/public').room(`${MEMBERS_PREFIX}*`, { allow })
}

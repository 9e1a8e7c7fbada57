/** What admins do about people, over HTTP with their own token, as other backends do with the API key. B27, D11. */
import { tell } from './inspection.ts'

export type Role = 'user' | 'seller' | 'support' | 'admin'

export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  user: 'Member',
  seller: 'Seller',
  support: 'Support',
  admin: 'Administrator',
}

/** In words; of a role that an application added, its own. */
export function roleName(role: string): string {
  return role === 'guest' ? 'Guest' : Object.hasOwn(ROLE_NAMES, role) ? ROLE_NAMES[role as Role] : role
}

/** The parts of a user that administration needs. */
export interface Subject {
  readonly userId: string
  readonly name: string
  /** Null: the one in their token counts. */
  readonly role: string | null
}

/** They have no account that could be banned or given a role. */
export function isGuest({ userId }: Pick<Subject, 'userId'>): boolean {
  return userId.startsWith('guest:')
}

/** What the server takes. */
export const REASON_MAX = 200

/** All of these reject with a RoomfulError. */
export const administration = {
  giveRole: (userId: string, role: Role) => tell('role', { userId, role }),
  ban: (userId: string, reason: string) => tell('ban', { userId, ...(reason !== '' && { reason }) }),
  unban: (userId: string) => tell('unban', { userId }),
  disconnect: (userId: string) => tell('disconnect', { userId }),
}

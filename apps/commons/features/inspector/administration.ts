/** What admins do about people, over HTTP with their own token, as other backends do with the API key. B27, D11. */
import { tell } from './inspection.ts'

export type Role = 'user' | 'seller' | 'support' | 'admin'

export const ROLE_NAMES: Readonly<Record<Role, string>> = {
  user: 'Member',
  seller: 'Seller',
  support: 'Support',
  admin: 'Administrator',
}

/** As much of somebody as is needed to do something about them. */
export interface Subject {
  readonly userId: string
  readonly name: string
  /** Null: the one in their token counts. */
  readonly role: string | null
}

/** All of these reject with a RoomfulError. */
export const administration = {
  giveRole: (userId: string, role: Role) => tell('role', { userId, role }),
  ban: (userId: string) => tell('ban', { userId }),
  letIn: (userId: string) => tell('unban', { userId }),
  disconnect: (userId: string) => tell('disconnect', { userId }),
}

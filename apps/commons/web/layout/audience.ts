/** Which pages are for whom. The server decides what anyone may do; this only keeps dead ends out of sight. */
import type { PageEntry } from '../pages.ts'
import type { Session } from '../session/session.ts'

export function mayOpen({ audience = 'users' }: PageEntry, session: Session): boolean {
  if (audience === 'guests') return true
  if (session.kind === 'guest') return false
  return audience === 'users' || session.user.role === 'admin'
}

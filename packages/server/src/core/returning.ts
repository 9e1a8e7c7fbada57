/**
 * Who was cut off and is expected back: how long presence waits for him, and how it outlives a restart that was announced.
 * Sessions that resume have a grace; whoever was told when to come back is waited for until then, in the next process too,
 * so that nobody sees everyone leave and come. G6, G7, D9.
 */
import type { Connection } from './connection.ts'
import type { Hub } from './hub.ts'

/** @returns for how long what it has is kept once it is cut off; 0 when it cannot come back as the same one */
export function holdMsOf(hub: Hub, { session, user, dueBackAt }: Connection): number {
  const { presenceGraceMs } = hub.settings
  if (dueBackAt === undefined) return session === undefined ? 0 : presenceGraceMs
  // A guest without a session is another one the next time.
  if (session === undefined && user.guest) return 0
  return Math.max(0, dueBackAt - hub.clock.now()) + presenceGraceMs
}

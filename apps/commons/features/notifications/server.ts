/** Notifies one person, at once or when they are back. B9. */
import type { Stored } from '@roomful/server'
import type { Host } from '../../commons.ts'
import type { NotificationContent } from './contract.ts'

/** @param key makes a repeat harmless: one notification per key */
export function notify(server: Pick<Host, 'get'>, userId: string, content: NotificationContent, key?: string): void {
  void storeNotification(server, userId, content, key) // never rejects
}

/**
 * As {@link notify}.
 * @returns where it is stored; nothing when it could not be. Never rejects: what it is about holds all the same
 */
export async function storeNotification(
  server: Pick<Host, 'get'>,
  userId: string,
  content: NotificationContent,
  key?: string,
): Promise<Stored | undefined> {
  const options = key === undefined ? {} : { key }
  try {
    return await server.get('/notifications').publish(`user:${userId}`, 'notification', [content], options)
  } catch {
    return undefined
  }
}

/** Notifies one person, at once or when they are back. B9. */
import type { Stored } from '@roomful/server'
import type { Host } from '../../commons.ts'
import type { Told } from './contract.ts'

/** @param key makes a repeat harmless: one notification per key */
export function notify(server: Pick<Host, 'get'>, userId: string, told: Told, key?: string): void {
  void storeNotification(server, userId, told, key) // never rejects
}

/**
 * As {@link notify}.
 * @returns where it is stored; nothing when it could not be. Never rejects: what it is about holds all the same
 */
export async function storeNotification(
  server: Pick<Host, 'get'>,
  userId: string,
  told: Told,
  key?: string,
): Promise<Stored | undefined> {
  const options = key === undefined ? {} : { key }
  try {
    return await server.get('/notifications').publish(`user:${userId}`, 'notification', [told], options)
  } catch {
    return undefined
  }
}

/** What the application tells one person, at once or when they are back. B9. */
import type { Host } from '../../commons.ts'
import type { Told } from './contract.ts'

/** @param key makes a repeat harmless: the same is told once */
export function notify(server: Pick<Host, 'get'>, userId: string, told: Told, key?: string): void {
  const options = key === undefined ? {} : { key }
  const telling = server.get('/notifications').publish(`user:${userId}`, 'notification', [told], options)
  telling.catch(() => undefined) // what it is about holds all the same, and is on its own page
}

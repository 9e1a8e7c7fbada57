/** The front door of the SDK. */
import { Client, type ClientOptions } from './client.ts'
import type { AnyContract } from './types.ts'

/**
 * Connects to a namespace, and stays connected until `close()`.
 *
 * ```ts
 * const client = connect<typeof contract>('https://example.org', { namespace: '/tasks', token: fetchToken })
 * const { taskId } = await client.request('save-task', { title: 'Write', description: 'the docs' })
 * ```
 *
 * @param url of the server, as `http:`, `https:`, `ws:` or `wss:`, or relative to the page
 * @throws TypeError when it is no URL; RoomfulError NO_WEBSOCKET where there is none and none is given
 */
export function connect<C extends AnyContract = undefined>(url: string | URL, options: ClientOptions = {}): Client<C> {
  return new Client<C>(url, options)
}

/** Sockets of the users of Commons, as the tests of the inspector have them. */
import { io, type Socket } from 'socket.io-client'
import { onTestFinished } from 'vitest'
import type { Commons } from '../../commons.ts'
import { tokenOf } from './commons.ts'

/** The data of the next event of this name. */
export const next = (socket: Socket, event: string): Promise<Record<string, unknown>> =>
  new Promise((resolve) => socket.once(event, resolve))

/** A socket of this user, closed when the test ends. */
export async function open(url: string, namespace: string, sub: string, role?: string): Promise<Socket> {
  const socket = io(url + namespace, { auth: { token: tokenOf(sub, role) }, transports: ['websocket'], forceNew: true })
  onTestFinished(() => void socket.disconnect())
  await next(socket, 'connect')
  return socket
}

/** Ten times as fast, so that the test is short. */
export const quick = (clock: Commons['clock']): Commons['clock'] => ({
  now: () => clock.now(),
  after: (ms, fn) => clock.after(ms / 10, fn),
})

/** Servers and official clients that end with their test. */
import type { AddressInfo } from 'node:net'
import { type Socket as ClientSocket, io as connect, type ManagerOptions } from 'socket.io-client'
import { onTestFinished, vi } from 'vitest'
import { Server, type ServerOptions } from '../../src/index.ts'

export function open(options: Partial<ServerOptions> = {}): { io: Server; url: string } {
  const io = new Server(0, options)
  onTestFinished(() => io.close())
  return { io, url: urlOf(io) }
}

/** Of one that listens. */
export function urlOf({ httpServer }: Server): string {
  return `http://localhost:${(httpServer.address() as AddressInfo).port}`
}

/** What the process warns of until the test ends. */
export function collectWarnings(): string[] {
  const warnings: string[] = []
  const onWarning = ({ message }: Error): void => void warnings.push(message)
  process.on('warning', onWarning)
  onTestFinished(() => void process.off('warning', onWarning))
  return warnings
}

export function client(
  url: string,
  transports: string[] = ['websocket'],
  options: Partial<ManagerOptions> & { auth?: Record<string, unknown> } = {},
): ClientSocket {
  const socket = connect(url, { transports, forceNew: true, ...options })
  onTestFinished(() => void socket.io._close())
  return socket
}

export function connected(socket: ClientSocket): Promise<void> {
  return socket.connected ? Promise.resolve() : new Promise((resolve) => socket.once('connect', () => resolve()))
}

/** Every event that a client is sent from now on, with its arguments. */
export function collect(socket: ClientSocket): unknown[][] {
  const seen: unknown[][] = []
  socket.onAny((...event) => seen.push(event))
  return seen
}

export function until(isSo: () => boolean): Promise<void> {
  return vi.waitUntil(isSo, { timeout: 20_000, interval: 5 }) as unknown as Promise<void>
}

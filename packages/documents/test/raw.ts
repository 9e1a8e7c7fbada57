/** A client that says whatever it likes: bytes of its own over a bare socket. */
import * as encoding from 'lib0/encoding'
import { WebSocket } from 'ws'
import { after, tokenOf } from './serving.ts'

export interface RawClient {
  readonly socket: WebSocket
  readonly heard: Uint8Array[]
  readonly end: Promise<{ code: number; reason: string }>
  send(data: Uint8Array): void
  /** Everything sent so far has been looked at. */
  settled(): Promise<void>
}

export async function openRaw(url: string, id: string, name = 'eve', role?: string): Promise<RawClient> {
  const socket = new WebSocket(`${url}/${id}?token=${await tokenOf(name, role)}`)
  after(() => socket.terminate())
  const heard: Uint8Array[] = []
  socket.on('message', (data: Buffer) => void heard.push(new Uint8Array(data)))
  socket.on('error', () => undefined)
  const end = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })
  const settled = async (): Promise<void> => {
    socket.ping()
    await new Promise((resolve) => socket.once('pong', resolve))
  }
  await new Promise((resolve) => socket.once('open', resolve))
  await settled() // nothing is read before it is let in
  return {
    socket,
    heard,
    end,
    send: (data) => socket.send(data),
    settled,
  }
}

/** Numbers as varints, bytes with their length before them, strings likewise. */
export function message(...parts: readonly (number | Uint8Array | string)[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const part of parts) {
    if (typeof part === 'number') encoding.writeVarUint(encoder, part)
    else if (typeof part === 'string') encoding.writeVarString(encoder, part)
    else encoding.writeVarUint8Array(encoder, part)
  }
  return encoding.toUint8Array(encoder)
}

/** Awareness of clients under a clock; `undefined` says that one is gone. */
export function awareness(
  ...clients: readonly (readonly [clientId: number, clock: number, state: unknown])[]
): Uint8Array {
  const entries = clients.flatMap(([clientId, clock, state]) => [
    clientId,
    clock,
    typeof state === 'string' ? state : JSON.stringify(state ?? null),
  ])
  return message(1, message(clients.length, ...entries))
}

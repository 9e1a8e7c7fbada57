/** A backend that takes webhooks: it checks each one with the libraries that receivers use, and answers as the test says. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'

export const WEBHOOK_SECRET = 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD'

export interface ReceivedEvent {
  readonly id: string
  readonly type: string
  readonly timestamp: string
  readonly namespace: string
  readonly data: Readonly<Record<string, unknown>>
}

/** Answers a delivery; nothing is a 204. */
type Answer = (response: ServerResponse, events: readonly ReceivedEvent[]) => unknown

export interface Receiver {
  readonly url: string
  /** What was taken. */
  readonly events: ReceivedEvent[]
  /** Ids of all deliveries, also of those that were not taken. */
  readonly attempts: string[]
  answer: Answer | undefined
}

export async function openReceiver(port = 0): Promise<Receiver & { close(): void }> {
  const receiver = { url: '', events: [] as ReceivedEvent[], attempts: [] as string[], answer: undefined as Answer | undefined } // biome-ignore format: one value
  const server = createServer((request, response) => {
    void take(request, response, receiver).catch((error: Error) => response.writeHead(401).end(error.message))
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`
  const close = (): void => {
    server.closeAllConnections()
    server.close()
  }
  return Object.assign(receiver, { close })
}

async function take(request: IncomingMessage, response: ServerResponse, receiver: Receiver): Promise<void> {
  const body = await text(request)
  const headers = request.headers as Record<string, string>
  const payload = new StandardWebhook(WEBHOOK_SECRET).verify(body, headers) as { data: { events: ReceivedEvent[] } }
  new SvixWebhook(WEBHOOK_SECRET).verify(body, headers) // returns nothing, and throws when it is not valid
  const { events } = payload.data
  receiver.attempts.push(String(headers['webhook-id']))
  if (receiver.answer) await receiver.answer(response, events)
  else response.writeHead(204).end()
  if (response.statusCode < 300 && response.writableEnded) receiver.events.push(...events)
}

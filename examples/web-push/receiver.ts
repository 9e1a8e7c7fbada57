/**
 * A backend that takes the webhooks of Roomful: a private message to a user who is away, or a mention of one, becomes a push
 * notification on each of the user's devices. docs/webhooks.md.
 */

import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { json, text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import type { PushSubscription } from 'web-push'

export interface ReceiverOptions {
  /** ROOMFUL_WEBHOOK_SECRET. */
  readonly secret: string
  /** The public key that browsers subscribe with. */
  readonly publicKey: string
  /** Sends a notification. @returns (resolves) false when the device does not want any more */
  readonly push: (to: PushSubscription, payload: string) => Promise<boolean>
}

interface Event {
  readonly id: string
  readonly type: string
  readonly data: { readonly to?: string; readonly mentioned?: string; readonly name?: string; readonly content?: string; readonly isAway?: boolean; readonly args?: readonly { name?: string; content?: string }[] } // biome-ignore format: one type
}

/** A real application keeps both in its database. */
const HANDLED_MAX = 10_000

export function createReceiver({ secret, publicKey, push }: ReceiverOptions): Server {
  const webhook = new Webhook(secret)
  const devices = new Map<string, PushSubscription[]>()
  const handled = new Set<string>()

  async function notify(userId: string, title: string, body: string): Promise<void> {
    const payload = JSON.stringify({ title, body })
    const kept: PushSubscription[] = []
    for (const device of devices.get(userId) ?? []) if (await push(device, payload)) kept.push(device)
    devices.set(userId, kept)
  }

  /** A delivery may come twice. */
  async function handleOnce({ id, type, data }: Event): Promise<void> {
    if (handled.has(id)) return
    if (type === 'message.private' && data.isAway && data.to !== undefined) {
      await notify(data.to, `${data.name} wrote to you`, data.content ?? '')
    }
    if (type === 'user.mentioned' && data.mentioned !== undefined) {
      const [message] = data.args ?? []
      await notify(data.mentioned, `${message?.name} mentioned you`, message?.content ?? '')
    }
    handled.add(id)
    if (handled.size > HANDLED_MAX) handled.delete(handled.values().next().value as string)
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (`${request.method} ${request.url}`) {
      case 'POST /hooks/roomful': {
        // Only the text as it came has the signature.
        const body = await text(request)
        const { data } = webhook.verify(body, request.headers as Record<string, string>) as {
          data: { events: Event[] }
        }
        for (const event of data.events) await handleOnce(event)
        return void response.writeHead(204).end()
      }
      case 'POST /subscriptions': {
        // A real application takes the user from its session.
        const { userId, subscription } = (await json(request)) as { userId: string; subscription: PushSubscription }
        devices.set(userId, [...(devices.get(userId) ?? []), subscription])
        return void response.writeHead(201).end()
      }
      case 'GET /key':
        return void response.end(publicKey)
      case 'GET /worker.js':
        return void response
          .setHeader('content-type', 'text/javascript')
          .end(readFileSync(new URL('worker.js', import.meta.url)))
      case 'GET /':
        return void response
          .setHeader('content-type', 'text/html')
          .end(readFileSync(new URL('page.html', import.meta.url)))
      default:
        return void response.writeHead(404).end()
    }
  }

  return createServer((request, response) => {
    // What is not answered with 2xx is sent again.
    answer(request, response).catch((error: Error) => response.writeHead(400).end(error.message))
  })
}

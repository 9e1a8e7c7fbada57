/** A client that publishes without waiting, with keys, and remembers what the server acknowledged. */
import { type Client, user } from './client.ts'
import type { Server } from './server.ts'

export interface Published {
  key: string
  content: string
  /** Set once acknowledged. */
  seq?: number
}

export class Publisher {
  readonly name: string
  readonly roomId: string
  readonly published: Published[] = []
  #client: Client | undefined

  constructor(name: string, roomId: string) {
    this.name = name
    this.roomId = roomId
  }

  async connect(server: Server): Promise<void> {
    this.#client = await user(server, this.name)
  }

  /** Publishes until the connection is gone or `count` is reached, at most `window` unacknowledged at a time. */
  async run(count: number, window: number, onAck: () => void = () => undefined): Promise<void> {
    const client = this.#client as Client
    const inFlight = new Set<Promise<void>>()
    for (let i = 0; i < count && client.socket.readyState === 1; i++) {
      const one: Published = { key: `${this.name}-key-${i}`, content: `${this.name} ${i}` }
      this.published.push(one)
      const acked = this.#send(client, one).then(onAck, () => undefined) // closed: stays unacknowledged
      inFlight.add(acked)
      void acked.then(() => inFlight.delete(acked))
      if (inFlight.size >= window) await Promise.race(inFlight)
    }
    await Promise.all(inFlight)
  }

  /** Sends again what was never acknowledged, as a client with an outbox does. */
  async retry(): Promise<void> {
    for (const one of this.published) if (one.seq === undefined) await this.#send(this.#client as Client, one)
  }

  async #send(client: Client, one: Published): Promise<void> {
    const { seq } = await client.ok('chat:message', { roomId: this.roomId, content: one.content, key: one.key })
    one.seq = seq as number
  }
}

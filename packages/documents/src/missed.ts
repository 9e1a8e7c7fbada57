/** What a slow peer was not sent, as little as it takes to ask the document for it later. G5: state instead of a queue. */
import * as Y from 'yjs'

export class Missed {
  /** Per Yjs client the first clock that was left out. */
  private readonly from = new Map<number, number>()
  /** Clients whose awareness changed. */
  private readonly clients = new Set<number>()
  private hasUpdates = false

  addUpdate(update: Uint8Array): void {
    this.hasUpdates = true
    for (const [client, clock] of Y.parseUpdateMeta(update).from) {
      this.from.set(client, Math.min(clock, this.from.get(client) ?? clock))
    }
  }

  addClients(clients: readonly number[]): void {
    for (const client of clients) this.clients.add(client)
  }

  /** @returns clients whose awareness has to be told, once */
  takeClients(): number[] {
    const clients = [...this.clients]
    this.clients.clear()
    return clients
  }

  /** @returns where the peer stands, once; undefined when it missed nothing. Deletions are part of every answer. */
  takeStateVector(doc: Y.Doc): Uint8Array | undefined {
    if (!this.hasUpdates) return undefined
    const vector = Y.decodeStateVector(Y.encodeStateVector(doc))
    for (const [client, clock] of this.from) vector.set(client, Math.min(clock, vector.get(client) ?? clock))
    this.hasUpdates = false
    this.from.clear()
    return Y.encodeStateVector(vector)
  }
}

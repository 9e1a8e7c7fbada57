/** What must not grow: the cost of a join with the members of its room, that of a message with the number of rooms. P9. */
import { BareClient } from '../bare-client.ts'
import { ServerProcess } from '../server-process.ts'
import type { Figures } from './workloads.ts'

const JOINS = 2_000
const MESSAGES = 20_000
const OUTSTANDING = 200
/** 50,000 rooms are 200 for each, as many as a connection may be in. */
const CLIENTS = 250

/** A client whose requests are counted by their answers. */
class Asking {
  private answered = 0
  private sent = 0
  private client!: BareClient
  private readonly waiting: { readonly count: number; readonly resolve: () => void }[] = []

  static async open(port: number): Promise<Asking> {
    const asking = new Asking()
    asking.client = await BareClient.open(port, '/ws/bench', '"type":"ack"', (found) => asking.count(found))
    return asking
  }

  send(message: object): void {
    this.client.send({ ...message, id: ++this.sent })
  }

  /** Until all are answered. */
  answers(): Promise<void> {
    const count = this.sent
    return new Promise((resolve) => {
      this.waiting.push({ count, resolve })
      this.count(0)
    })
  }

  cut(): void {
    this.client.cut()
  }

  private count(found: number): void {
    this.answered += found
    while (this.waiting[0] && this.answered >= this.waiting[0].count) this.waiting.shift()?.resolve()
  }
}

async function withServer<T>(script: string, use: (server: ServerProcess) => Promise<T>): Promise<T> {
  const server = await ServerProcess.start(script)
  try {
    return await use(server)
  } finally {
    await server.stop()
  }
}

/** One client enters and leaves a room of so many, again and again, with what its members are sent about it. */
export function measureJoins(members: number, script: string): Promise<Figures> {
  return withServer(script, async (server) => {
    const others = await Promise.all(Array.from({ length: members - 1 }, () => Asking.open(server.port)))
    for (const each of others) each.send({ type: 'room:join', roomId: 'r' })
    await Promise.all(others.map((each) => each.answers()))
    const guest = await Asking.open(server.port)
    const before = await server.usage()
    for (let i = 0; i < JOINS; i++) {
      guest.send({ type: 'room:join', roomId: 'r' })
      guest.send({ type: 'room:leave', roomId: 'r' })
      await guest.answers()
    }
    const after = await server.usage()
    for (const each of [guest, ...others]) each.cut()
    return { 'main thread CPU µs a join and leave': (after.mainUs - before.mainUs) / JOINS }
  })
}

/** Messages to so many rooms by turns; each room has one member, who is the sender. @param rooms a multiple of 250 */
export function measureRooms(rooms: number, script: string): Promise<Figures> {
  return withServer(script, async (server) => {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Asking.open(server.port)))
    const publish = async (messages: number): Promise<void> => {
      for (let i = 0; i < messages; i++) {
        const client = clients[i % CLIENTS] as Asking
        client.send({ type: 'pub', roomId: `r${i % rooms}`, data: { number: i } })
        if (i % OUTSTANDING === OUTSTANDING - 1) await client.answers()
      }
      await Promise.all(clients.map((each) => each.answers()))
    }
    for (let i = 0; i < rooms; i++) {
      const client = clients[i % CLIENTS] as Asking
      client.send({ type: 'room:join', roomId: `r${i}` })
      if (i % OUTSTANDING === OUTSTANDING - 1) await client.answers()
    }
    await Promise.all(clients.map((each) => each.answers()))
    await publish(Math.max(rooms, MESSAGES)) // each room has its log then
    const before = await server.usage()
    await publish(MESSAGES)
    const after = await server.usage()
    for (const each of clients) each.cut()
    return { 'main thread CPU µs a message': (after.mainUs - before.mainUs) / MESSAGES }
  })
}

/**
 * Whether replicas have what a node's calls stored. Redis answers a write before its replicas have it, and WAIT holds up the
 * connection that asks: so a second connection writes one byte, which comes after everything that the server has executed
 * by then, and waits for that. One question at a time; what is asked meanwhile shares the next.
 */
import type { Clock } from '../../../core/ports/system.ts'
import type { Redis } from './client.ts'
import { Connection, ConnectionLostError } from './connection.ts'
import { library } from './library.ts'

export interface ReplicationOptions {
  readonly clock: Clock
  readonly redis: () => Promise<Redis>
  /** A key of the namespace: where it is, there is the connection. */
  readonly key: string
  readonly node: string
  /** How many must have it. */
  readonly replicas: number
  readonly silenceMs: number
  /** Something that a person should know of. */
  readonly report: (error: unknown) => void
}

/** How long replicas have to confirm, with a new connection if there is none. */
const CONFIRM_MS = 1_000
const LOOK_MS = 20

interface Asked {
  readonly serial: number
  readonly resolve: (isConfirmed: boolean) => void
}

export class Replication {
  private readonly options: ReplicationOptions
  private readonly connection: Connection
  private asked: Asked[] = []
  private isAsking = false
  private isClosed = false

  constructor(options: ReplicationOptions) {
    const { clock, redis, key, silenceMs } = options
    this.options = options
    this.connection = new Connection({
      clock,
      redis,
      library,
      key,
      mailbox: undefined,
      silenceMs,
      events: {
        prepare: async () => undefined,
        onMessage: () => undefined,
        onUp: () => undefined,
        onDown: () => undefined, // the connection of the calls reports it
      },
    })
    this.connection.start()
  }

  /** @param serial of a call that was answered, with everything before it */
  confirm(serial: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.asked.push({ serial, resolve })
      void this.run()
    })
  }

  close(): void {
    this.isClosed = true
    this.connection.close()
  }

  private async run(): Promise<void> {
    if (this.isAsking) return
    this.isAsking = true
    while (this.asked.length > 0) {
      const asked = this.asked
      this.asked = []
      const isConfirmed = await this.ask(Math.max(...asked.map(({ serial }) => serial)))
      if (!isConfirmed && !this.isClosed) {
        const { replicas, report } = this.options
        report(new Error(`fewer than ${replicas} replicas confirm what is stored (ROOMFUL_REDIS_REPLICAS)`))
      }
      for (const { resolve } of asked) resolve(isConfirmed)
    }
    this.isAsking = false
  }

  private async ask(serial: number): Promise<boolean> {
    const { connection } = this
    const { clock, node, replicas } = this.options
    const until = clock.monotonic() + CONFIRM_MS
    while (!this.isClosed) {
      const leftMs = Math.ceil(until - clock.monotonic())
      if (leftMs <= 0) return false
      if (connection.up) {
        try {
          const [latest, count] = await Promise.all([
            connection.call('touch', [node]),
            connection.send(['WAIT', String(replicas), String(leftMs)]),
          ])
          if (Number(latest) >= serial) return Number(count) >= replicas
          // After a failover it may still be that of before, which says nothing of what the other has stored.
          connection.break(new Error('Redis: another server than that of the calls'))
        } catch (error) {
          if (!(error instanceof ConnectionLostError)) return false
        }
      }
      await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve))
    }
    return false
  }
}

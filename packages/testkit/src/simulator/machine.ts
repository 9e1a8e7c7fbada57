/**
 * The server's machine: one process after another on one disk. Each is the real server on a clock of its own, so that
 * killing it at any moment is only a matter of ending that clock.
 */
import type { Broker, CoreSettings, Link, Wire } from '@roomful/server/testing'
import type { TestAuthenticator } from '../authenticator.ts'
import type { VirtualClock } from '../clock.ts'
import type { SeededRandom } from '../random.ts'
import { type Caller, createTestServer, type SetUp, type TestServer } from '../server.ts'
import type { SimulatedDisk } from './disk.ts'
import { LifeClock } from './life-clock.ts'
import type { Host } from './link.ts'

export interface MachineOptions {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly authenticator: TestAuthenticator
  readonly disk: SimulatedDisk
  readonly settings: Partial<CoreSettings>
  readonly setUp: SetUp
  /** Stands between the server and its storage. */
  readonly broker?: ((broker: Broker, clock: VirtualClock) => Broker) | undefined
  /** Called with each process, before it takes links. */
  readonly onServer?: ((server: TestServer) => void) | undefined
}

export class Machine implements Host {
  /** The process that takes links now. */
  server: TestServer | undefined
  /** How many processes there were. */
  lives = 0
  private readonly options: MachineOptions
  private life: LifeClock | undefined
  private cancelStart: (() => void) | undefined

  constructor(options: MachineOptions) {
    this.options = options
  }

  get isUp(): boolean {
    return this.server !== undefined
  }

  accept(wire: Wire, caller: Caller): Link | undefined {
    return this.server?.accept(wire, caller)
  }

  startAfter(ms: number): void {
    this.cancelStart?.()
    this.cancelStart = this.options.clock.after(ms, () => this.start())
  }

  /** Kills the process: nothing more happens in it, and no client is informed. */
  kill(): void {
    this.life?.end()
    this.life = undefined
    this.server = undefined
  }

  /** Ends it politely: it drains, stores what is under way, and another process starts. */
  deploy(downMs: number): void {
    const { server, life } = this
    if (server?.hub.state !== 'ready') return
    const end = async (): Promise<void> => {
      await server.hub.drain()
      await server.close()
      if (this.life !== life) return
      this.kill()
      this.startAfter(downMs)
    }
    end() // a process that is killed meanwhile never gets there
  }

  private start(): void {
    const { clock, random, authenticator, disk, settings, setUp, broker, onServer } = this.options
    const life = new LifeClock(clock)
    this.life = life
    this.lives++
    const storage = disk.mount(life)
    const seed = `${random.id(12)} ${this.lives}`
    const ready = createTestServer({
      ...{ clock: life, storage, authenticator, settings, setUp, seed },
      ...(broker ? { broker } : {}),
    })
    ready.then((server) => {
      if (this.life !== life) return
      onServer?.(server)
      this.server = server
    })
  }
}

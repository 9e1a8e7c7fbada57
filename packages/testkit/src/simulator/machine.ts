/**
 * A machine of the server: one process after another. Each is the real server on a clock of its own, so that killing it at
 * any moment is only a matter of ending that clock.
 */
import type { Broker, CoreSettings, Link, Wire } from '@roomful/server/testing'
import type { TestAuthenticator } from '../authenticator.ts'
import type { VirtualClock } from '../clock.ts'
import type { SeededRandom } from '../random.ts'
import { type Caller, createTestServer, type SetUp, type TestServer, type TestServerOptions } from '../server.ts'
import { LifeClock } from './life-clock.ts'
import type { Host } from './link.ts'

export interface MachineOptions {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly authenticator: TestAuthenticator
  /** Where a process stores. */
  readonly mount: (life: LifeClock) => Pick<TestServerOptions, 'storage' | 'shared'>
  /** Looks at what the broker of a process says. */
  readonly tap?: (machine: Machine, broker: Broker) => Broker
  /** The process was killed. @param isSilent its machine with it */
  readonly onEnd?: (isSilent: boolean) => void
  readonly settings: Partial<CoreSettings>
  readonly setUp: SetUp
  /** Stands between the server and its storage. */
  readonly broker?: ((broker: Broker, clock: VirtualClock) => Broker) | undefined
  /** Called with each process, before it takes links. */
  readonly onServer?: ((server: TestServer) => void) | undefined
}

/** Until a process that ended by itself is started again. */
const RESTART_MS = 1_000

export class Machine implements Host {
  /** The process that takes links now. */
  server: TestServer | undefined
  /** How many processes there were. */
  lives = 0
  /** Those that are no more, as other nodes know them. */
  readonly deadNodes: string[] = []
  private readonly options: MachineOptions
  private life: LifeClock | undefined
  private node: string | undefined
  private cancelStart: (() => void) | undefined

  constructor(options: MachineOptions) {
    this.options = options
  }

  get isUp(): boolean {
    return this.server !== undefined
  }

  get stands(): boolean {
    return this.life?.stands ?? false
  }

  accept(wire: Wire, caller: Caller): Link | undefined {
    return this.server?.accept(wire, caller)
  }

  startAfter(ms: number): void {
    this.cancelStart?.()
    this.cancelStart = this.options.clock.after(ms, () => this.start())
  }

  /** Kills the process: nothing more happens in it, and no client is informed. */
  kill(isSilent = false): void {
    if (this.node) this.deadNodes.push(this.node)
    this.life?.end()
    this.life = undefined
    this.node = undefined
    this.server = undefined
    this.options.onEnd?.(isSilent)
  }

  /** Suspends the process. */
  stand(ms: number): void {
    this.life?.stand(ms)
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
    const { clock, random, authenticator, mount, settings, setUp, broker, onServer } = this.options
    const life = new LifeClock(clock)
    this.life = life
    this.lives++
    const { storage, shared } = mount(life)
    const seed = `${random.id(12)} ${this.lives}`
    const ready = createTestServer({
      ...{ clock: life, authenticator, settings, setUp, seed },
      ...(storage ? { storage } : {}),
      ...(shared ? { shared: (clock, own) => this.named(shared(clock, own)) } : {}),
      ...(broker ? { broker } : {}),
    })
    ready.then(
      (server) => {
        if (this.life !== life) return
        onServer?.(server)
        this.server = server
      },
      () => {
        // It could not start, and ends; who started it tries again.
        if (this.life !== life) return
        this.kill()
        this.startAfter(RESTART_MS)
      },
    )
  }

  private named(broker: Broker): Broker {
    this.node = broker.node
    return this.options.tap?.(this, broker) ?? broker
  }
}

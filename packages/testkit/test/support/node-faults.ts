/** Faults of several nodes: in what the broker does with what it receives, in a script, or in the simulated Redis itself. */
import { Connection } from '../../../server/src/adapters/brokers/redis/connection.ts'
import { library } from '../../../server/src/adapters/brokers/redis/library.ts'
import { Sequencer } from '../../../server/src/adapters/brokers/redis/sequencer.ts'
import { RoomEvent } from '../../../server/src/core/events/event.ts'
import { LogListener } from '../../../server/src/core/log/log-listener.ts'
import { SimulatedRedis } from '../../src/simulator/redis/simulated-redis.ts'
import { type Method, replace } from './fault.ts'

export interface NodeFault {
  readonly name: string
  /** A seed that finds it, with {@link nodesOf} nodes; the first few do without it. */
  readonly foundAt?: number
  /** Few seeds of a thousand find it, and others after each change: it is searched for only with ROOMFUL_SEARCH_FAULTS. */
  readonly isRare?: boolean
  /** Breaks it for all runs. @returns what mends it */
  readonly plant: () => () => void
}

export function nodesOf(seed: number): number {
  return 2 + (seed % 2)
}

/** Another text in the scripts, as they are loaded. */
function inScripts(...changes: readonly (readonly [from: string, to: string])[]): NodeFault['plant'] {
  return () => {
    // Here, since a script that cannot be loaded would look like a fault that was found.
    for (const [from] of changes) {
      if (!library().source.includes(from)) throw new Error(`The scripts have no "${from}" any more`)
    }
    return replace(
      SimulatedRedis.prototype,
      'load',
      (original) =>
        function (this: SimulatedRedis, source: string) {
          const changed = changes.reduce((text, [from, to]) => text.replace(from, to), source)
          return original.call(this, changed)
        } as Method,
    )
  }
}

export const NODE_FAULTS: readonly NodeFault[] = [
  {
    name: 'order-of-calls',
    plant: () => {
      const mends = [
        replace(Sequencer.prototype, 'answer', (original) => {
          return function (this: unknown, serial, _k, answer) {
            return original.call(this, serial, 0, answer)
          }
        }),
        replace(Sequencer.prototype, 'message', (original) => {
          return function (this: unknown, k, _c, message) {
            return original.call(this, k, 0, message)
          }
        }),
      ]
      return () => {
        for (const mend of mends) mend()
      }
    },
  },
  {
    name: 'forget-k',
    plant: () =>
      replace(Sequencer.prototype, 'message', () => {
        // biome-ignore lint/suspicious/noExplicitAny: it reaches into what is private
        return function (this: any, k, _c, message) {
          if (this.isBroken) return
          this.k = Math.max(this.k, k)
          this.release.onMessage(k, message)
          this.run()
        }
      }),
  },
  {
    name: 'no-serial-guard',
    isRare: true,
    plant: inScripts(['if serial > ns.c then return nil end', 'if serial then return nil end']),
  },
  {
    name: 'heads-before-the-mailbox',
    foundAt: 338,
    plant: () =>
      replace(Connection.prototype, 'prepare', (original) => {
        // biome-ignore lint/suspicious/noExplicitAny: it reaches into what is private
        return async function (this: any, client) {
          const late = Object.create(client)
          late.sendCommand = client.sendCommand.bind(client)
          late.sSubscribe = async (...call: unknown[]) => {
            this.options.clock.after(100, () => void client.sSubscribe(...call).catch(() => undefined))
          }
          const mine = this.client
          this.client = late
          await original.call(this, late)
          this.client = mine
        }
      }),
  },
  {
    name: 'reap-after-an-outage',
    plant: inScripts(['if own > clock then return false end', 'if own then return false end']),
  },
  {
    name: 'away-ended-by-another-node',
    plant: inScripts(['if place.node == node and place.till <= JOINING then', 'if place.node == node then']),
  },
  {
    name: 'claims-outlive-their-node',
    foundAt: 178,
    plant: inScripts(
      ['if lease and tonumber(lease) > clock then', 'if holder and holder ~= node then'],
      ['if page[2][i + 1] == node then', 'if false then'],
    ),
  },
  {
    name: 'messages-without-their-number',
    plant: inScripts([
      "fields[#fields + 1] = 'k:' .. node\n      fields[#fields + 1] = k",
      "if k % 2 == 1 then\n        fields[#fields + 1] = 'k:' .. node\n        fields[#fields + 1] = k + 1\n      end",
    ]),
  },
  {
    name: 'reap-without-looking-again',
    isRare: true,
    plant: inScripts(["if argv[3] ~= 'leave' and tonumber(lease or left or 0) > clock then return 0 end", '']),
  },
  {
    // A script is one step of Redis: that it publishes before it has written the row shows only where it ends in between.
    name: 'published-without-the-row',
    plant: inScripts([
      "if #rows == 1 then redis.call('RPUSH', list, rows[1])",
      "if #rows == 1 then if n % 40 ~= 0 then redis.call('RPUSH', list, rows[1]) end",
    ]),
  },
  {
    // Alone, each of these two hides what the other one lets through: a new epoch is sent to the node, and comes with each row.
    name: 'rows-of-another-log',
    isRare: true,
    plant: () => {
      const mends = [
        inScripts([
          "local frame = 'X' .. cjson.encode({ roomId = name",
          "room.nodes = ''\n        local frame = 'X' .. cjson.encode({ roomId = name",
        ])(),
        replace(LogListener.prototype, 'onEvents', () => {
          // biome-ignore lint/suspicious/noExplicitAny: it reaches into what is private
          return function (this: any, name, rows) {
            const namespace = this.parts.namespaces.get(name)
            for (const row of rows) namespace?.requests.fanOut.release(RoomEvent.fromRow(row))
            this.runtime.turn.endSoon()
          }
        }),
      ]
      return () => {
        for (const mend of mends) mend()
      }
    },
  },
  {
    name: 'sessions-without-a-fence',
    plant: inScripts(['if not known or known.fence <= fence then', 'if true then']),
  },
]

/** Breaks the one of this name, for good. @throws Error when there is none */
export function plant(name: string | undefined): void {
  if (name === undefined) return
  const fault = NODE_FAULTS.find((each) => each.name === name)
  if (!fault) throw new Error(`There is no fault ${name}; there are ${NODE_FAULTS.map((each) => each.name).join(', ')}`)
  fault.plant()
}

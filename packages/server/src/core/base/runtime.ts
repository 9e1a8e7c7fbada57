/** What every part of the core needs of the world around it, as one value: settings, ports, timers and the turn. */

import type { Broker } from '../ports/broker.ts'
import type { Observer, Tracer } from '../ports/observer.ts'
import type { Clock, Limiter, Random } from '../ports/system.ts'
import type { Authenticator } from '../ports/users.ts'
import { OtherNodes } from './other-nodes.ts'
import type { CoreSettings } from './settings.ts'
import { TimerWheel } from './timer-wheel.ts'
import { Turn } from './turn.ts'

export interface RuntimePorts {
  readonly broker: Broker
  readonly authenticator: Authenticator
  readonly limiter: Limiter
  readonly clock: Clock
  readonly random: Random
  readonly observer: Observer
}

export interface Runtime extends RuntimePorts {
  readonly settings: CoreSettings
  readonly timers: TimerWheel
  readonly turn: Turn
  readonly nodes: OtherNodes
  /** Of the observer, if requests are followed. */
  readonly tracer: Tracer | undefined
}

export function createRuntime(settings: CoreSettings, ports: RuntimePorts): Runtime {
  const { broker, authenticator, limiter, clock, random, observer } = ports
  const timers = new TimerWheel(clock, clock.tickMs)
  const nodes = new OtherNodes(broker)
  const { tracer } = observer
  const turn = new Turn(clock)
  return { settings, broker, authenticator, limiter, clock, random, observer, timers, turn, nodes, tracer }
}

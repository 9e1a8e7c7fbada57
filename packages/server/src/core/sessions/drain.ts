/**
 * An announced shutdown: each client is sent a time of its own to come back, when the next process is there, and presence
 * expects it until then. A2.4, C15, G7, D9.
 */
import { CLOSE_CODES } from '@roomful/protocol'
import type { Runtime } from '../base/runtime.ts'
import type { Link } from '../link/link.ts'
import type { Delivery } from '../log/fan-out.ts'
import type { ReturningMember } from '../ports/broker.ts'
import type { Connection } from '../state/namespace-state.ts'
import { addTo, returningOf } from './restart-presence.ts'

/** More links than this are closed one after another. */
const SPREAD_MIN_LINKS = 100
/** From the last close until the next process answers: it is ready within 1.5 s of its start (P12). */
const RESTART_MS = 1_500
/** Clients come back within this time, and more of them within more: no more than about this many a second. */
const RETURN_MIN_MS = 1_000
const RETURNS_PER_SECOND = 500

/** When one link closes and may come back, ms from now. */
interface Leave {
  readonly link: Link<Connection>
  readonly closeAfterMs: number
  readonly backAfterMs: number
}

interface DrainParts {
  readonly links: Iterable<Link<Connection>>
  readonly delivery: Delivery
  /** Everything submitted so far is stored and released. */
  readonly settled: () => Promise<void>
  /** With several nodes: users who are expected back keep their places without this node. */
  readonly leavePlaces: () => Promise<unknown>
}

/** Sends every client the moment to come back, closes all links within `drainMs` and settles what is stored. */
export async function drain(runtime: Runtime, { links, delivery, settled, leavePlaces }: DrainParts): Promise<void> {
  const leaves = plan(runtime, [...links], await countOthers(runtime))
  runtime.observer.observe({ type: 'drain', links: leaves.length })
  for (const { link, backAfterMs } of leaves) announce(runtime, delivery, link, backAfterMs)
  runtime.turn.flush()
  await settled()
  const returning = new Map<string, ReturningMember[]>()
  await Promise.all(leaves.map((leave) => closeInTime(runtime, leave, returning)))
  await settled()
  if (runtime.broker.presence) await leavePlaces()
  else for (const [namespace, members] of returning) await keep(runtime, namespace, members)
}

/** Links that close first come back first, so that all are away for about the same time. */
function plan(runtime: Runtime, links: readonly Link<Connection>[], others: number): Leave[] {
  const spreadMs = links.length > SPREAD_MIN_LINKS ? runtime.settings.drainMs : 0
  const windowMs = Math.max(RETURN_MIN_MS, (links.length / RETURNS_PER_SECOND / Math.max(1, others)) * 1_000)
  return links.map((link, index) => {
    const closeAfterMs = (index / links.length) * spreadMs
    const turnMs = ((index + runtime.random.fraction()) / links.length) * windowMs
    // Another node takes it at once; a process that starts again has to start first.
    const backAfterMs = others > 0 ? Math.max(closeAfterMs, turnMs) : spreadMs + RESTART_MS + turnMs
    return { link, closeAfterMs, backAfterMs: Math.round(backAfterMs) }
  })
}

/** Nodes that clients may come back to while this one is down. */
async function countOthers({ broker, observer }: Runtime): Promise<number> {
  try {
    return (await broker.otherNodes?.()) ?? 0
  } catch (error) {
    observer.observe({ type: 'commit:failed', namespace: '', error })
    return 0
  }
}

function announce(runtime: Runtime, delivery: Delivery, link: Link<Connection>, reconnectAfterMs: number): void {
  for (const connection of link.connections) {
    if (connection.stage !== 'open') continue
    connection.expectedBackAt = runtime.clock.now() + reconnectAfterMs
    delivery.notify(connection, 'server:draining', { reconnectAfterMs })
  }
}

function closeInTime(
  runtime: Runtime,
  { link, closeAfterMs }: Leave,
  returning: Map<string, ReturningMember[]>,
): Promise<void> {
  return new Promise((resolve) => {
    const close = (): void => {
      for (const connection of link.connections) {
        const { name } = connection.namespace
        const member = returningOf(runtime, connection)
        if (member) addTo(returning, name, member)
      }
      link.close(CLOSE_CODES.RESTART.code, CLOSE_CODES.RESTART.meaning)
      resolve()
    }
    if (closeAfterMs === 0) close()
    else runtime.timers.add(closeAfterMs, close)
  })
}

/** A shutdown must not fail over presence: without it, members leave and join again. */
async function keep(runtime: Runtime, namespace: string, members: readonly ReturningMember[]): Promise<void> {
  try {
    await runtime.broker.saveReturning?.(namespace, members)
  } catch (error) {
    runtime.observer.observe({ type: 'commit:failed', namespace, error })
  }
}

/**
 * The end that everyone is told of: when to come back, each client at a moment of its own, when the next process is there.
 * Who was told is waited for. A2.4, C15, G7, D9.
 */
import { CLOSE_CODES } from '@roomful/protocol'
import type { Hub } from './hub.ts'
import type { Link } from './link.ts'
import type { ReturningMember } from './ports/broker.ts'
import { addTo, returningOf } from './returning.ts'

/** More links than this are closed one after another. */
const SPREAD_MIN_LINKS = 100
/** From the last close until the next process answers, as far as we can know; it is ready within 1.5 s of its start (P12). */
const RESTART_MS = 1_500
/** Clients come back within this time, and more of them within more: no more than about this many a second. */
const RETURN_MIN_MS = 1_000
const RETURNS_PER_SECOND = 500

/** A link's own moments, ms from now. */
interface Leave {
  readonly link: Link
  readonly closeAfterMs: number
  readonly backAfterMs: number
}

/** Tells everyone when to come back, closes all within `drainMs` and settles what is stored. */
export async function drain(hub: Hub): Promise<void> {
  const leaves = plan(hub, [...hub.links])
  hub.observer.observe({ type: 'drain', links: leaves.length })
  for (const { link, backAfterMs } of leaves) announce(hub, link, backAfterMs)
  hub.turn.flush()
  await hub.settled()
  const returning = new Map<string, ReturningMember[]>()
  await Promise.all(leaves.map((leave) => closeInTime(hub, leave, returning)))
  await hub.settled()
  for (const [namespace, members] of returning) await keep(hub, namespace, members)
}

/** Who is closed first is back first, so that all of them are away for about the same time. */
function plan(hub: Hub, links: readonly Link[]): Leave[] {
  const spreadMs = links.length > SPREAD_MIN_LINKS ? hub.settings.drainMs : 0
  const windowMs = Math.max(RETURN_MIN_MS, (links.length / RETURNS_PER_SECOND) * 1_000)
  return links.map((link, index) => ({
    link,
    closeAfterMs: (index / links.length) * spreadMs,
    backAfterMs: Math.round(spreadMs + RESTART_MS + ((index + hub.random.fraction()) / links.length) * windowMs),
  }))
}

function announce(hub: Hub, link: Link, reconnectAfterMs: number): void {
  for (const connection of link.connections) {
    if (connection.stage !== 'open') continue
    connection.dueBackAt = hub.clock.now() + reconnectAfterMs
    hub.tell(connection, 'server:draining', { reconnectAfterMs })
  }
}

function closeInTime(
  hub: Hub,
  { link, closeAfterMs }: Leave,
  returning: Map<string, ReturningMember[]>,
): Promise<void> {
  return new Promise((resolve) => {
    const close = (): void => {
      for (const connection of link.connections) {
        const { name } = connection.namespace
        const member = returningOf(hub, connection)
        if (member) addTo(returning, name, member)
      }
      link.close(CLOSE_CODES.RESTART.code, CLOSE_CODES.RESTART.meaning)
      resolve()
    }
    if (closeAfterMs === 0) close()
    else hub.timers.add(closeAfterMs, close)
  })
}

/** Presence is worth no failed shutdown: without it everyone comes back as somebody new. */
async function keep(hub: Hub, namespace: string, members: readonly ReturningMember[]): Promise<void> {
  try {
    await hub.broker.saveReturning(namespace, members)
  } catch (error) {
    hub.observer.observe({ type: 'commit:failed', namespace, error })
  }
}

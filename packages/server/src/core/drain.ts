/** The end that everyone is told of. A2.4, C15, G7. */
import { CLOSE_CODES } from '@roomful/protocol'
import type { Hub } from './hub.ts'
import type { Link } from './link.ts'

/** More links than this are closed one after another. */
const SPREAD_MIN_LINKS = 100
/** Clients come back within this time at least, each at a moment of its own. */
const RETURN_MIN_MS = 1_000

/** Tells everyone when to come back, closes all within `drainMs` and settles what is stored. */
export async function drain(hub: Hub): Promise<void> {
  const links = [...hub.links]
  hub.observer.observe({ type: 'drain', links: links.length })
  const spreadMs = links.length > SPREAD_MIN_LINKS ? hub.settings.drainMs : 0
  for (const link of links) announce(hub, link, Math.max(RETURN_MIN_MS, spreadMs))
  hub.turn.flush()
  await hub.settled()
  await Promise.all(links.map((link, index) => closeAfter(hub, link, (index / links.length) * spreadMs)))
  await hub.settled()
}

function announce(hub: Hub, link: Link, withinMs: number): void {
  for (const connection of link.connections) {
    const reconnectAfterMs = Math.round(hub.random.fraction() * withinMs)
    if (connection.stage === 'open') hub.tell(connection, 'server:draining', { reconnectAfterMs })
  }
}

function closeAfter(hub: Hub, link: Link, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const close = (): void => {
      link.close(CLOSE_CODES.RESTART.code, CLOSE_CODES.RESTART.meaning)
      resolve()
    }
    if (delayMs === 0) close()
    else hub.timers.add(delayMs, close)
  })
}

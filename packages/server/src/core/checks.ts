/**
 * The checks of a namespace at connect, after a refresh and after a rename. What they record is done once they have passed
 * and the client has its answer, in the order in which they recorded it; a refusal discards it, and frees what was kept.
 */
import type { Unit } from './commit.ts'
import type { Connection } from './connection.ts'
import { Context } from './context.ts'
import type { Effect } from './effects.ts'
import type { RoomfulError } from './errors.ts'
import type { Hub } from './hub.ts'

/** @throws what a check throws, or what a join of theirs was refused with (rejects); nothing they recorded is left then */
export async function runChecks(hub: Hub, connection: Connection): Promise<Context> {
  const context = new Context(hub, connection, undefined)
  try {
    for (const check of connection.namespace.middleware) await check(context)
    await context.joinsSettled()
    return context
  } catch (error) {
    context.discard()
    throw error
  }
}

/**
 * Does what checks recorded, with this turn.
 * @param onFailed called when not all of it could be stored: then none of it is done
 */
export function carryOut(hub: Hub, connection: Connection, effects: readonly Effect[], onFailed: OnFailed): void {
  if (effects.length === 0) return
  const unit: Unit = {
    effects,
    key: undefined,
    firstKey: 0,
    reply: undefined,
    origin: connection.id,
    apply(effect, ok) {
      if (effect.kind === 'join' && connection.link.owner) hub.members.abandon(effect.prepared)
      else if (effect.kind === 'join') hub.placement.apply(effect.prepared, ok)
      else if (ok && effect.kind === 'leave') hub.placement.takeOut(connection, effect.roomId)
      else if (ok && effect.kind === 'emit') connection.namespace.fanOut.emit(effect.event, effect.target)
    },
    done(_stored, error) {
      if (error) onFailed(error)
      hub.turn.endSoon()
    },
  }
  connection.namespace.commit.submit(unit)
}

type OnFailed = (error: RoomfulError) => void

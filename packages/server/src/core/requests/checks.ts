/**
 * The checks of a namespace at connect, after a refresh and after a rename. Their effects are applied in order once all have
 * passed and the client knows; a refusal discards them.
 */
import type { RoomfulError } from '../base/errors.ts'
import type { RequestEffects } from '../log/commit.ts'
import type { Effect } from '../log/effects.ts'
import type { Connection } from '../state/namespace-state.ts'
import { Context } from './context.ts'
import type { RequestParts } from './handlers.ts'

/** @throws what a check throws, or what a join of theirs was refused with (rejects); nothing they recorded is left then */
export async function runChecks(parts: RequestParts, connection: Connection): Promise<Context> {
  const context = new Context(parts, connection, undefined)
  try {
    for (const check of parts.handlers.middleware) await check(context)
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
export function carryOut(
  { commit, fanOut, joins, placement, runtime }: RequestParts,
  connection: Connection,
  effects: readonly Effect[],
  onFailed: OnFailed,
): void {
  if (effects.length === 0) return
  const unit: RequestEffects = {
    effects,
    key: undefined,
    firstKey: 0,
    ack: undefined,
    origin: connection.id,
    apply(effect, ok) {
      if (effect.kind === 'join' && connection.link.owner) joins.abandon(effect.prepared)
      else if (effect.kind === 'join') placement.apply(effect.prepared, ok)
      else if (ok && effect.kind === 'leave') placement.takeOut(connection, effect.roomId)
      else if (ok && effect.kind === 'emit') fanOut.emit(effect.event, effect.audience)
    },
    settle(_stored, error) {
      if (error) onFailed(error)
      runtime.turn.endSoon()
    },
  }
  commit.submit(unit)
}

type OnFailed = (error: RoomfulError) => void

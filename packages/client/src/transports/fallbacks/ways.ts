/**
 * The ways to a server, one after another until one lets a message through. What worked is tried first for a while. All of
 * it is one link to whoever asked for one.
 */
import type { Clock } from '../../environment.ts'
import { openHeard, PATIENCE_MS } from '../heard.ts'
import { CUT_OFF, type OpenTransport, type Transport, type TransportName } from '../transport.ts'
import type { WayMemory } from './memory.ts'

export interface Way {
  readonly name: TransportName
  /** @throws what says that it cannot be had here */
  readonly open: () => OpenTransport
}

export interface WaysOptions {
  readonly clock: Clock
  readonly memory: WayMemory
  /** For one way to bring its first message. */
  readonly timeoutMs: number
  /** A WebSocket was tried just now. */
  readonly missed: boolean
}

export function firstThatWorks(ways: readonly Way[], { clock, memory, timeoutMs, missed }: WaysOptions): OpenTransport {
  let left = missed ? ways.filter(({ name }) => name !== 'websocket') : ways
  /** What carried the last link. */
  let worked: TransportName | undefined
  return (handlers) => {
    const best = memory.recall()
    const round = [...left.filter(({ name }) => name === best), ...left.filter(({ name }) => name !== best)]
    left = ways
    // What has carried us and now fails once is more likely down than blocked.
    if (worked !== undefined && worked === best) round.length = 1
    worked = undefined
    let current: Transport | undefined
    let isOver = false
    const next = (code: number, reason: string): void => {
      if (isOver) return
      const way = round.shift()
      if (!way) return handlers.onClose(code, reason)
      const keep = (name: TransportName): void => {
        worked = name
        memory.keep(name)
      }
      let isHeard = false
      const onCarrier = (name: TransportName): void => {
        if (isHeard) keep(name) // it climbed, or tried to
        handlers.onCarrier?.(name)
      }
      try {
        current = openHeard(
          way.open(),
          { ...handlers, onCarrier },
          {
            clock,
            timeoutMs: ways.length === 1 ? timeoutMs : Math.min(timeoutMs, PATIENCE_MS),
            onHeard: () => {
              isHeard = true
              keep(way.name)
            },
            onMissed: next,
          },
        )
      } catch (cause) {
        next(CUT_OFF, String(cause))
      }
    }
    // Not before this has returned.
    Promise.resolve().then(() => next(CUT_OFF, ''))
    return {
      send: (text) => current?.send(text),
      close(manner) {
        isOver = true
        current?.close(manner)
      },
    }
  }
}

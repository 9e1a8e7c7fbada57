/**
 * Tries the transports to a server, one after another, until one receives a message. The one that worked is tried first for
 * a while. Its user sees a single link.
 */
import type { Clock, TextStorage } from '../../environment.ts'
import { CUT_OFF, type OpenTransport, type TransportName } from '../transport.ts'
import { FIRST_FRAME_MS, openAtFirstFrame, Switch } from '../websocket.ts'

export interface Candidate {
  readonly name: TransportName
  /** @throws when the platform does not have it */
  readonly open: () => OpenTransport
}

export interface SelectOptions {
  readonly clock: Clock
  readonly memory: TransportMemory
  /** For one transport to receive its first message, ms. */
  readonly timeoutMs: number
  /** A WebSocket failed just now: the first round leaves it out. */
  readonly skipWebSocket: boolean
}

export function selectTransport(
  candidates: readonly Candidate[],
  { clock, memory, timeoutMs, skipWebSocket }: SelectOptions,
): OpenTransport {
  let left = skipWebSocket ? candidates.filter(({ name }) => name !== 'websocket') : candidates
  /** The transport of the last link. */
  let worked: TransportName | undefined
  return (handlers) => {
    const best = memory.recall()
    const round = [...left.filter(({ name }) => name === best), ...left.filter(({ name }) => name !== best)]
    left = candidates
    // After a transport that worked, the server is more likely down than the transport is blocked.
    if (worked !== undefined && worked === best) round.length = 1
    worked = undefined
    const link = new Switch()
    const next = (code: number, reason: string): void => {
      if (link.isClosed) return
      const candidate = round.shift()
      if (!candidate) return handlers.onClose(code, reason)
      const keep = (name: TransportName): void => {
        worked = name
        memory.keep(name)
      }
      let hasFrame = false
      const onCarrier = (name: TransportName): void => {
        if (hasFrame) keep(name) // it was upgraded, or not
        handlers.onCarrier?.(name)
      }
      const onFirstFrame = (): void => {
        hasFrame = true
        keep(candidate.name)
      }
      const frameMs = candidates.length === 1 ? timeoutMs : Math.min(timeoutMs, FIRST_FRAME_MS)
      try {
        link.current = openAtFirstFrame(
          candidate.open(),
          { ...handlers, onCarrier },
          { clock, timeoutMs: frameMs, onFirstFrame, onNoFrame: next },
        )
      } catch (cause) {
        next(CUT_OFF, String(cause))
      }
    }
    // Not before this function returns.
    Promise.resolve().then(() => next(CUT_OFF, ''))
    return link
  }
}

/** Somewhat longer than the pauses between attempts at a better transport. */
const MEMORY_MS = 15 * 60_000

/** Remembers which transport to a server worked, so that a reloaded page need not find out again what is blocked. */
export class TransportMemory {
  readonly #key: string
  readonly #clock: Clock
  readonly #storage: TextStorage | undefined
  #kept: string | null | undefined

  /** @param key identifies the server */
  constructor(key: string, clock: Clock, storage: TextStorage | undefined) {
    this.#key = key
    this.#clock = clock
    this.#storage = storage
    this.#kept = storage?.getItem(key)
  }

  recall(): TransportName | undefined {
    const [name, untilMs] = (this.#kept ?? '').split(' ')
    return Number(untilMs) > this.#clock.now() ? (name as TransportName) : undefined
  }

  keep(name: TransportName): void {
    this.#kept = `${name} ${this.#clock.now() + MEMORY_MS}`
    try {
      this.#storage?.setItem(this.#key, this.#kept)
    } catch {
      // full or forbidden: the next page finds out itself
    }
  }
}

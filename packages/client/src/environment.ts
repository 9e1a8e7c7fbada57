/**
 * What the SDK needs of the world it runs in: time, chance, and word that the network or the page came back. Everything
 * else in this package reaches for no global, so that a test, or a simulator, can stand in for the world.
 */
import { RoomfulError } from './errors.ts'

/** The part of a clock that the SDK reads; the server's own clock port fits. */
export interface Clock {
  /** Milliseconds since 1970. May jump. */
  now(): number
  /** Milliseconds that never go back. */
  monotonic(): number
  /** Calls `fn` once after `ms`. @returns what cancels it */
  after(ms: number, fn: () => void): () => void
}

/** The part of a browser's `Storage` that is used. */
export interface TextStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

export interface Environment {
  readonly clock: Clock
  /** From 0 (included) to 1 (excluded); not for secrets. */
  readonly chance: () => number
  readonly fillRandom: (bytes: Uint8Array) => Uint8Array
  /** For what the next page of this tab may know too; not everywhere. */
  readonly storage: TextStorage | undefined
  /** Tells when the network came or went, or the page is looked at again. @returns what stops it */
  readonly onWake: (fn: (isOnline: boolean) => void) => () => void
  /** Where errors of the application's own listeners and callbacks go: never lost. */
  readonly report: (error: unknown) => void
  /** Where refusals go that nobody waits for, such as that of an `emit`: to whoever asked to hear of them. */
  readonly tell: (error: RoomfulError) => void
}

export interface EnvironmentOptions {
  clock?: Clock
  /** Decides the jitter, from 0 (included) to 1 (excluded). Default: `Math.random`. */
  random?: () => number
  /** Fills what it is given, for idempotency keys. Default: `crypto`. */
  fillRandom?: (bytes: Uint8Array) => Uint8Array
  /** Keeps for a while which transport worked. Default: `sessionStorage`, where there is one. */
  storage?: TextStorage
  onError?: (error: RoomfulError) => void
}

const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
}

export function createEnvironment({ clock, random, fillRandom, storage, onError }: EnvironmentOptions): Environment {
  return {
    clock: clock ?? systemClock,
    chance: random ?? Math.random,
    fillRandom: fillRandom ?? ((bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)),
    storage: storage ?? sessionStorageOf(),
    onWake: onBrowserWake,
    report: (error) => (onError ? onError(toError(error)) : throwLater(error)),
    tell: (error) => onError?.(error),
  }
}

/** A page without an origin of its own may not even look. */
function sessionStorageOf(): TextStorage | undefined {
  try {
    return globalThis.sessionStorage
  } catch {
    return undefined
  }
}

/** Nobody listens for errors: let the platform say it, as it says every uncaught error. */
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}

/** What a listener or a callback of the application threw becomes the cause of an error with a code. */
function toError(error: unknown): RoomfulError {
  if (error instanceof RoomfulError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new RoomfulError('CALLBACK_FAILED', message, { cause: error })
}

/** `online`, `offline`, and the page becoming visible; nothing outside a browser. */
function onBrowserWake(fn: (isOnline: boolean) => void): () => void {
  if (typeof globalThis.addEventListener !== 'function') return () => undefined
  const stop = new AbortController()
  const page = globalThis.document as Document | undefined
  const onVisible = (): void => {
    if (page?.visibilityState === 'visible') fn(navigator.onLine)
  }
  globalThis.addEventListener('online', () => fn(true), stop)
  globalThis.addEventListener('offline', () => fn(false), stop)
  page?.addEventListener('visibilitychange', onVisible, stop)
  return () => stop.abort()
}

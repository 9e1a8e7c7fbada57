/**
 * What the SDK needs from the platform: time, randomness, and notice that the network or the page came back. All other code
 * of the SDK uses no such globals, so that a test or a simulator can replace them.
 */
import { RoomfulError } from './errors.ts'

/** The clock that the SDK uses; the server's clock port is compatible. */
export interface Clock {
  /** Milliseconds since 1970. May jump. */
  now(): number
  /** Milliseconds since any moment; never goes back. */
  monotonic(): number
  /**
   * Calls `fn` once after `ms`.
   * @returns a function that cancels it
   */
  after(ms: number, fn: () => void): () => void
}

/** The part of a browser's `Storage` that the SDK uses. */
export interface TextStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

export interface Environment {
  readonly clock: Clock
  /** From 0 (included) to 1 (excluded); not for secrets. */
  readonly random: () => number
  readonly fillRandom: (bytes: Uint8Array) => Uint8Array
  /** Survives a reload in the same tab; not available everywhere. */
  readonly storage: TextStorage | undefined
  /**
   * Calls `fn` when the network comes or goes, or the page becomes visible.
   * @returns a function that ends it
   */
  readonly onWake: (fn: (isOnline: boolean) => void) => () => void
  /** Sent with each request. */
  readonly traceparent: (() => string | undefined) | undefined
  /** Reports errors of the application's own listeners and callbacks: they are never lost. */
  readonly report: (error: unknown) => void
  /** Reports refusals that no promise reports, such as that of an `emit`, to the application's `onError`, if there is one. */
  readonly onError: (error: RoomfulError) => void
}

/** Replaces parts of the platform, for tests and for platforms that have others. */
export interface EnvironmentOptions {
  /** Default: the system's. */
  clock?: Clock
  /** For the jitter of reconnects: from 0 (included) to 1 (excluded). Default: `Math.random`. */
  random?: () => number
  /** Fills the array that it is given, for idempotency keys. Default: `crypto.getRandomValues`. */
  fillRandom?: (bytes: Uint8Array) => Uint8Array
  /** Keeps which transport worked, for 15 minutes. Default: `sessionStorage`, where there is one. */
  storage?: TextStorage
  /**
   * Calls `fn` when the network comes or goes, or the app becomes active, so that the client connects at once instead of after
   * its wait. Default: the events of a browser page. React Native has no such events: docs/react-native.md.
   * @returns a function that ends it
   */
  onWake?: (fn: (isOnline: boolean) => void) => () => void
  /**
   * The current span of the application, in the form of W3C Trace Context: asked for each request, and sent with it, so that
   * a server that is traced goes on with the trace.
   */
  traceparent?: () => string | undefined
  /**
   * Called for errors that no promise reports: a refused `emit`, a lost token callback, a listener that threw
   * (CALLBACK_FAILED). Without it the errors of listeners are thrown as uncaught, and the others are ignored.
   */
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

export function createEnvironment(options: EnvironmentOptions): Environment {
  const { clock, random, fillRandom, storage, onWake, traceparent, onError } = options
  return {
    clock: clock ?? systemClock,
    random: random ?? Math.random,
    fillRandom: fillRandom ?? ((bytes) => crypto.getRandomValues(bytes as Uint8Array<ArrayBuffer>)),
    storage: storage ?? sessionStorageOf(),
    onWake: onWake ?? onBrowserWake,
    traceparent,
    report: onError ? (error) => onError(toError(error)) : throwLater,
    onError: (error) => onError?.(error),
  }
}

/** On a page without an origin even reading the property throws. */
function sessionStorageOf(): TextStorage | undefined {
  try {
    return globalThis.sessionStorage
  } catch {
    return undefined
  }
}

/** Without `onError` the platform reports it as an uncaught error. */
function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error
  })
}

/** What a listener or a callback threw becomes the cause of an error with a code. */
function toError(error: unknown): RoomfulError {
  if (error instanceof RoomfulError) return error
  return new RoomfulError('CALLBACK_FAILED', error instanceof Error ? error.message : String(error), { cause: error })
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

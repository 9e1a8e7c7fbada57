/** What the SDK asks of a transport: text goes out, text comes in, and one day it is over. Everything else is above. */

/** What there is of our own. */
export type TransportName = 'websocket' | 'sse' | 'poll'

export interface TransportHandlers {
  /** What carries it from now on, where there is a choice; the first time before `onOpen`. */
  readonly onCarrier?: (name: TransportName) => void
  readonly onOpen: () => void
  /** One message: a frame, or several, a line each. */
  readonly onMessage: (text: string) => void
  /** Called once, after which nothing else is called. */
  readonly onClose: (code: number, reason: string) => void
}

export interface Transport {
  /** Which one of the link's is ours, where others use it too. Default 1. */
  readonly channel?: number
  /** Only after `onOpen`; what cannot be sent any more is dropped, and `onClose` says so. */
  send(text: string): void
  /**
   * `goodbye`: we are done, nothing will be resumed. `cut`: only this link is over; the session may be resumed by the next.
   * `onClose` is not called for it.
   */
  close(manner: 'goodbye' | 'cut'): void
}

/** Opens one link. Must not call a handler before it has returned. */
export type OpenTransport = (handlers: TransportHandlers) => Transport

/** Close codes that mean something to this side alone; the protocol names them all. RFC 6455 section 7.4.1. */
export const GOODBYE = 1000
/** Never sent: how an end without a close frame is reported. */
export const CUT_OFF = 1006

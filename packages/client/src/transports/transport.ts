/** What the SDK needs from a transport: text goes out, text comes in, and it ends once. Everything else stands above. */

/** The transports that the SDK has. */
export type TransportName = 'websocket' | 'sse' | 'poll'

/** What a transport calls. */
export interface TransportHandlers {
  /** What carries the link from now on, where there is a choice; the first time before `onOpen`. */
  readonly onCarrier?: (name: TransportName) => void
  readonly onOpen: () => void
  /** One message: a frame, or several, one a line. */
  readonly onMessage: (text: string) => void
  /**
   * The link ended. Called once; nothing is called after it.
   * @param code a WebSocket close code, 1006 when it was cut off
   */
  readonly onClose: (code: number, reason: string) => void
}

/** One link to the server, for instance a WebSocket. */
export interface Transport {
  /** Number of this client's channel, where other clients use the link too. Default 1. */
  readonly channel?: number | undefined
  /** Called only after `onOpen`. Drops what cannot be sent any more: `onClose` follows. */
  send(text: string): void
  /**
   * Ends the link without a call of `onClose`.
   * @param manner `goodbye`: the session ends too; `cut`: another link may resume it
   */
  close(manner: 'goodbye' | 'cut'): void
}

/** Opens one link. Must not call a handler before it returns. */
export type OpenTransport = (handlers: TransportHandlers) => Transport

/** Close codes with a meaning for this side alone; the protocol names them all. RFC 6455 section 7.4.1. */
export const GOODBYE = 1000
/** Never sent: reports an end without a close frame. */
export const CUT_OFF = 1006

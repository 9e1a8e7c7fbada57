/** Some things between let a link open, and no frame through. So a way counts once a message came, and that in time. */
import type { Clock } from '../environment.ts'
import { CUT_OFF, type OpenTransport, type Transport, type TransportHandlers } from './transport.ts'

export interface HeardOptions {
  readonly clock: Clock
  readonly timeoutMs: number
  readonly onHeard: () => void
  /** It ended before, without a word of the server's: another way may be tried. */
  readonly onMissed: (code: number, reason: string) => void
}

/** While there is another way, no longer than this: what swallows WebSockets says nothing at all. */
export const PATIENCE_MS = 5_000
/** Below are closes that are no word of a server's: it names its reason with a code from here on. RFC 6455 section 7.4.1. */
const SERVER_CLOSE_MIN = 1008

/** Opens a transport that counts as open with the first that is heard through it. */
export function openHeard(open: OpenTransport, handlers: TransportHandlers, options: HeardOptions): Transport {
  const { clock, timeoutMs, onHeard, onMissed } = options
  let isHeard = false
  const transport = open({
    ...handlers,
    onOpen: () => undefined, // means nothing yet
    onMessage(text) {
      cancelTimer()
      if (!isHeard) {
        isHeard = true
        onHeard()
        handlers.onOpen()
      }
      handlers.onMessage(text)
    },
    onClose(code, reason) {
      cancelTimer()
      if (isHeard || code >= SERVER_CLOSE_MIN) handlers.onClose(code, reason)
      else onMissed(code, reason)
    },
  })
  const cancelTimer = clock.after(timeoutMs, () => {
    transport.close('cut')
    onMissed(CUT_OFF, 'No answer in time')
  })
  return {
    send: transport.send.bind(transport),
    close(manner) {
      cancelTimer()
      transport.close(manner)
    },
  }
}

/**
 * Shared by dialects whose clients send nothing over their link: an `EventSource`, a poll, a reader over HTTP, an echo.
 * Their requests come another way, so there is nothing to decode and nothing to acknowledge.
 */
import type { Dialect } from '../ports/dialect.ts'

type Shared = 'resumes' | 'multiplexed' | 'view' | 'decode' | 'nameOf' | 'ack'

/** Spread it into a dialect; names of events are the server's own. */
export const ONE_WAY: Pick<Dialect, Shared> = {
  resumes: false,
  multiplexed: false,
  view: 'all',
  decode: () => [],
  nameOf: (type) => type,
  ack: () => undefined,
}

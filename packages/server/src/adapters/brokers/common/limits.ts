/** How much a log keeps, and for how long: the same wherever it is. */
export interface LogLimits {
  /** Most events kept per room that does not say otherwise. */
  readonly retention: number
  /** Events older than this go, and with the last of them the room. */
  readonly retentionMs: number
  /** All namespaces together, roughly; the oldest of who wrote most goes first. */
  readonly dataMaxBytes: number
  /** How long a key is recognised. */
  readonly dedupeWindowMs: number
  /** Most keys recognised at once; the oldest is forgotten first, since a repeat usually comes within seconds. */
  readonly dedupeMax: number
  /** Largest arguments of one event, in UTF-16 units: far above what a link lets in, so only a handler can meet it. */
  readonly eventMax: number
  /** Most sessions kept; above it the one saved longest ago goes, and its client starts afresh. */
  readonly sessionsMax: number
  /** Most members kept over a restart; those above it are gone until they are back. */
  readonly returningMax: number
  /** A room without an event is forgotten this long after its last release: longer than a session lives, so that
   * a client that returns to an empty room finds the epoch that it left. */
  readonly emptyRoomMs: number
}

const DAY_MS = 86_400_000

export const LOG_DEFAULTS: LogLimits = {
  retention: 10_000,
  retentionMs: 30 * DAY_MS,
  dataMaxBytes: 4 * 1024 ** 3,
  dedupeWindowMs: DAY_MS,
  dedupeMax: 5_000_000,
  eventMax: 16 * 1024 ** 2,
  sessionsMax: 100_000,
  returningMax: 100_000,
  emptyRoomMs: 600_000,
}

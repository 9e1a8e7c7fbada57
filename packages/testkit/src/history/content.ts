/** What an event says, without what the log and the form on the wire add: the same text for every kind of client. */
const ADDED: ReadonlySet<string> = new Set(['type', 'event', 'id', 'roomId', 'seq', 'n', 'ts', 'key'])

/** @param data the one argument of an event, as any kind of client gets it */
export function contentOf(data: unknown): string {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return JSON.stringify(data) ?? ''
  const own = Object.entries(data).filter(([name]) => !ADDED.has(name))
  return JSON.stringify(Object.fromEntries(own.sort(([a], [b]) => (a < b ? -1 : 1))))
}

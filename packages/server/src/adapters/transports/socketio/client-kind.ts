/** Which Socket.IO clients take the cursor of recovery off the arguments of an event. */
import type { IncomingHttpHeaders } from 'node:http'

/**
 * HTTP stacks of Socket.IO clients in other languages. They know no recovery: the cursor behind the arguments of an event
 * would be one more argument for their listeners. Seen: python-socketio raises a TypeError, and the listener never runs.
 */
const FOREIGN = /python|aiohttp|websocket-client|okhttp|^java\/|starscream|cfnetwork|dart|^go-http|\.net|unity/i

/** @returns false for a client of another language, which takes none unless it asks for them on connecting */
export function takesCursors({ 'user-agent': userAgent = '', origin }: IncomingHttpHeaders): boolean {
  // Python's WebSocket client names an origin and no agent; a browser names both, Node's official client neither.
  if (userAgent === '') return origin === undefined
  return !FOREIGN.test(userAgent) || userAgent.startsWith('Mozilla/')
}

/** The credentials that a request carries: in its URL, its header, or among its subprotocols. PROTOCOL.md 3. */
import type { IncomingMessage } from 'node:http'
import { BEARER_SUBPROTOCOL_PREFIX, type Credentials } from '@roomful/protocol'

export function credentialsOf(request: IncomingMessage): Credentials {
  const { url = '/' } = request
  const start = url.indexOf('?')
  const query = new URLSearchParams(start < 0 ? '' : url.slice(start))
  const credentials: Credentials = {}
  const bearer = bearerOf(request)
  const token = query.get('token') ?? bearer
  if (token !== undefined && token !== null) credentials.token = token
  const ticket = query.get('ticket')
  if (ticket !== null) credentials.ticket = ticket
  const name = query.get('name')
  if (name !== null) credentials.name = name
  return credentials
}

function bearerOf(request: IncomingMessage): string | undefined {
  const { authorization } = request.headers
  if (authorization !== undefined && /^bearer\b/i.test(authorization)) return authorization.slice(6).trim()
  return subprotocolValue(request, BEARER_SUBPROTOCOL_PREFIX)
}

/** What a WebSocket client offers to speak, in its order. */
export function offeredSubprotocols({ headers }: IncomingMessage): string[] {
  const field = headers['sec-websocket-protocol']
  return field === undefined
    ? []
    : String(field)
        .split(',')
        .map((each) => each.trim())
}

/** What a client hides among its subprotocols, where access logs do not show it. */
export function subprotocolValue(request: IncomingMessage, prefix: string): string | undefined {
  const carried = offeredSubprotocols(request).find((each) => each.startsWith(prefix))
  return carried?.slice(prefix.length)
}

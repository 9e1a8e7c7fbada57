/**
 * Who reads over HTTP is no connection, but middleware and rules judge connections: this makes one to show them, that hears
 * nothing, counts nowhere, and leaves nothing behind.
 */
import { runChecks } from './checks.ts'
import { Connection } from './connection.ts'
import type { Hub } from './hub.ts'
import { Link } from './link.ts'
import type { Namespace } from './namespace.ts'
import { ONE_WAY } from './one-way.ts'
import type { Identity } from './ports/authenticator.ts'
import type { Dialect } from './ports/dialect.ts'
import type { Wire } from './ports/wire.ts'

/**
 * Runs the namespace's middleware, as at connect.
 * @throws what middleware throws (rejects)
 */
export async function createReader(
  hub: Hub,
  namespace: Namespace,
  { user, expiresAt }: Identity,
  { ip, userAgent }: { readonly ip: string; readonly userAgent: string },
): Promise<Connection> {
  const link = new Link(hub, SILENT_WIRE, SILENT_DIALECT, ip, userAgent)
  const connection = new Connection(`c_${hub.random.id(20)}`, link, 0, namespace, hub.clock.now())
  connection.user = user
  connection.expiresAt = expiresAt
  connection.auth = user.guest ? 'guest' : 'authenticated'
  connection.visit = 'request'
  const context = await runChecks(hub, connection)
  context.discard()
  return connection
}

const nothing = (): undefined => undefined

const SILENT_WIRE: Wire = {
  queuedBytes: 0,
  hasPongs: false,
  write: nothing,
  pauseReading: nothing,
  resumeReading: nothing,
  ping: nothing,
  close: nothing,
  terminate: nothing,
}

const SILENT_DIALECT: Dialect = {
  ...ONE_WAY,
  name: 'http',
  encoding: () => ({ key: 'silent', encode: nothing }),
  fail: () => new Uint8Array(),
  control: nothing,
}

/**
 * A reader over HTTP has no connection, but middleware and rules are written for connections: this makes one for them, which
 * receives nothing, counts towards no limit, and leaves nothing behind.
 */

import { CONNECTION_ID_PREFIX } from '@roomful/protocol'
import type { Runtime } from './base/runtime.ts'
import { Link, type LinkListener } from './link/link.ts'
import { ONE_WAY } from './link/one-way.ts'
import type { Dialect } from './ports/dialect.ts'
import type { Identity } from './ports/users.ts'
import type { Wire } from './ports/wire.ts'
import { runChecks } from './requests/checks.ts'
import type { NamespaceParts } from './sessions/namespaces.ts'
import { Connection } from './state/namespace-state.ts'

/**
 * Runs the namespace's middleware, as at connect.
 * @throws what middleware throws (rejects)
 */
export async function createReader(
  runtime: Runtime,
  { state, requests }: NamespaceParts,
  { user, expiresAt }: Identity,
  { ip, userAgent }: { readonly ip: string; readonly userAgent: string },
): Promise<Connection> {
  const link = new Link<Connection>(runtime, NO_LISTENER, { wire: SILENT_WIRE, dialect: SILENT_DIALECT, ip, userAgent })
  const connection = new Connection(
    `${CONNECTION_ID_PREFIX}${runtime.random.id(20)}`,
    link,
    0,
    state,
    runtime.clock.now(),
  )
  connection.user = user
  connection.expiresAt = expiresAt
  connection.auth = user.guest ? 'guest' : 'authenticated'
  connection.httpMode = 'one-shot'
  const context = await runChecks(requests, connection)
  context.discard()
  return connection
}

const nothing = (): undefined => undefined

const NO_LISTENER: LinkListener<Connection> = {
  onOpenChannel: nothing,
  onSessionConfirmed: nothing,
  onSlow: nothing,
  onDrained: nothing,
  onClosing: nothing,
  onClosed: nothing,
  confirmation: nothing,
}

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

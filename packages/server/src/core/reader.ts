/**
 * A reader over HTTP has no connection, but middleware and rules are written for connections: this makes one for them, which
 * receives nothing, counts towards no limit, and leaves nothing behind.
 */

import type { Runtime } from './base/runtime.ts'
import { Link, type LinkListener } from './link/link.ts'
import { ONE_WAY } from './link/one-way.ts'
import type { Dialect } from './ports/dialect.ts'
import type { Identity } from './ports/users.ts'
import type { Wire } from './ports/wire.ts'
import { runChecks } from './requests/checks.ts'
import type { NamespaceParts } from './sessions/namespaces.ts'
import { identifiedForReading } from './sessions/transitions.ts'
import { Connection } from './state/namespace-state.ts'

/**
 * Runs the namespace's middleware, as at connect.
 * @throws what middleware throws (rejects)
 */
export async function createReader(
  runtime: Runtime,
  { state, requests }: NamespaceParts,
  identity: Identity,
  { ip, userAgent }: { readonly ip: string; readonly userAgent: string },
): Promise<Connection> {
  const link = new Link<Connection>(runtime, NO_LISTENER, { wire: SILENT_WIRE, dialect: SILENT_DIALECT, ip, userAgent })
  const id = runtime.nodes.connectionId(runtime.random)
  const connection = new Connection(link, state, { id, openedAt: runtime.clock.now(), httpMode: 'one-shot' })
  identifiedForReading(connection, identity)
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

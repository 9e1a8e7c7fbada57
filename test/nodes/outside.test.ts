/**
 * Suites of test/outside with several nodes behind nginx in the place of the one server: what a client sees must be the same.
 * `TEST_SUITES=all` runs all that can apply, `TEST_NODES=4` with four nodes. C20, D15.
 *
 * These cannot: those that look into one process, its files, its signals or its output (backup, churn, cli, connection-log,
 * ctrl-c, disk, durability, flood, resume, settings, shutdown, slow-client); those about requests that nginx answers or keeps
 * by itself (abuse-handshake, auth-policies, entry-points, http2-offer); those that bring a server of their own (application,
 * chaos, conformance, sdk-faults); those that count connections, which each node does for itself (classic-presence,
 * connection-limits, http); and classic-rooms, which takes what one client got as a sign that another has it.
 */
import { describe } from 'vitest'

const SAMPLE = ['every-client', 'vocabulary-private']
const ALL = [
  ...['abuse', 'auth-first-message', 'auth-refresh', 'auth-url', 'bad-input', 'bandwidth', 'echo'],
  ...['every-client', 'heartbeat', 'keys', 'odd-names', 'origin', 'plain', 'rate-limits', 'snippets', 'v1'],
  ...['vocabulary-messages', 'vocabulary-presence', 'vocabulary-private', 'vocabulary-rooms'],
]
const { TEST_SUITES } = process.env
process.env.TEST_NODES ??= '2'
for (const name of TEST_SUITES === 'all' ? ALL : (TEST_SUITES?.split(',') ?? SAMPLE)) {
  describe(name, async () => {
    await import(`../outside/${name}.test.ts`)
  })
}

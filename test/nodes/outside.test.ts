/**
 * Suites of test/outside with several nodes behind nginx in the place of the one server: what a client sees must be the same.
 * `TEST_SUITES=all` runs all that can apply, `TEST_NODES=4` with four nodes. C20, D15.
 *
 * These cannot: those that look into one process, its files, its signals or its output (backup, churn, cli, connection-log,
 * ctrl-c, disk, durability, flood, resume, settings, shutdown, slow-client), those about TCP and HTTP before a request is
 * whole, which nginx answers (abuse-handshake, http2-offer), those that bring a server of their own (application, chaos,
 * conformance, sdk-faults), and connection-limits, since a node counts the connections of its own.
 */
import { describe } from 'vitest'

const SAMPLE = ['every-client', 'classic-rooms', 'v1']
const ALL = [
  ...['abuse', 'auth-first-message', 'auth-policies', 'auth-refresh', 'auth-url', 'bad-input', 'bandwidth'],
  ...[
    'classic-presence',
    'classic-rooms',
    'echo',
    'entry-points',
    'every-client',
    'heartbeat',
    'http',
    'keys',
    'odd-names',
  ],
  ...['origin', 'plain', 'rate-limits', 'snippets', 'v1'],
  ...['vocabulary-messages', 'vocabulary-presence', 'vocabulary-private', 'vocabulary-rooms'],
]
const { TEST_SUITES } = process.env
process.env.TEST_NODES ??= '2'
for (const name of TEST_SUITES === 'all' ? ALL : (TEST_SUITES?.split(',') ?? SAMPLE)) {
  describe(name, async () => {
    await import(`../outside/${name}.test.ts`)
  })
}

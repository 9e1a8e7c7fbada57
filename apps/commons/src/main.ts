/** What `npm start` runs: a server with the standard namespaces. */
import { createRoomful, loadSettings } from '@roomful/server'

const roomful = createRoomful(loadSettings({ env: process.env, argv: process.argv.slice(2) })).standardNamespaces()
const { url } = await roomful.listen()
process.stdout.write(`Roomful is on ${url}\n`)
let last = 0
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    const now = performance.now()
    if (last > 0 && now - last > 250) process.exit(1)
    if (last === 0) roomful.close().then(() => process.exit(0))
    last = now
  })
}

/**
 * The shared worker: has the link while any tab is there. It holds a lock, since its tabs hear nothing when its process ends.
 */
import { createEnvironment } from '../environment.ts'
import { defaultTransports } from '../transports/default-transports.ts'
import { Hub, type TabGuest } from './hub.ts'
import { hold, untilFree } from './locks.ts'
import type { FromHub, FromTab, HubConfig } from './messages.ts'

const scope = globalThis as unknown as { onconnect: (event: { ports: readonly MessagePort[] }) => void }
const { locks } = navigator
const lock = `roomful worker ${crypto.randomUUID()}`
const held = hold(locks, lock)
const environment = createEnvironment({ onError: ({ code, message }) => hub?.report(code, message) })
let hub: Hub | undefined

scope.onconnect = ({ ports: [port] }) => {
  if (port) listen(port)
}

function listen(port: MessagePort): void {
  const post = (message: FromHub): void => port.postMessage(message)
  let guest: TabGuest | undefined
  port.onmessage = ({ data }: MessageEvent<FromTab>) => {
    if (data.type !== 'hello') return guest?.handle(data)
    guest = hubOf(data.config).admit(post, untilFree(locks, data.lock))
    held.then(
      () => post({ type: 'ready', lock }),
      () => undefined,
    ) // not ready: the tabs find another way
  }
}

/** All tabs of a worker have the same configuration. */
function hubOf({ url, transports, timeoutMs }: HubConfig): Hub {
  const options = transports ? { transports } : {}
  hub ??= new Hub({ openTransport: defaultTransports(url, options, environment, timeoutMs), clock: environment.clock })
  return hub
}

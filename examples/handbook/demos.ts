/** The programs of the handbook by the names in its pages: `npm run example -- handbook handshake`. */
import type { Demo } from './demo.ts'
import { backoff } from './demos/backoff.ts'
import { blog } from './demos/blog.ts'
import { clients } from './demos/clients.ts'
import { closing } from './demos/closing.ts'
import { crash } from './demos/crash.ts'
import { credentials } from './demos/credentials.ts'
import { dashboard } from './demos/dashboard.ts'
import { duplex } from './demos/duplex.ts'
import { emit } from './demos/emit.ts'
import { wrongServer } from './demos/express.ts'
import { handshake } from './demos/handshake.ts'
import { layers } from './demos/layers.ts'
import { leaving } from './demos/leaving.ts'
import { listeners } from './demos/listeners.ts'
import { memory } from './demos/memory.ts'
import { namespaces } from './demos/namespaces.ts'
import { order } from './demos/order.ts'
import { push } from './demos/push.ts'
import { serialise } from './demos/serialise.ts'
import { terminate } from './demos/terminate.ts'
import { tls } from './demos/tls.ts'

export const demos: Readonly<Record<string, Demo>> = {
  backoff,
  blog,
  clients,
  closing,
  crash,
  credentials,
  dashboard,
  duplex,
  emit,
  express: wrongServer,
  handshake,
  layers,
  leaving,
  listeners,
  memory,
  namespaces,
  order,
  push,
  serialise,
  terminate,
  tls,
}

/** What it prints. */
export async function run(demo: Demo): Promise<string> {
  const lines: string[] = []
  await demo((line = '') => lines.push(line))
  return lines.join('\n')
}

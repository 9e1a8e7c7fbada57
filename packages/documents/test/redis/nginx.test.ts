/** One document on two nodes behind nginx, written by official providers. */
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { startCluster } from '../../../../test/nodes/start-cluster.ts'
import { SECRET, tokenOf } from '../serving.ts'

const program = ['--conditions=source', fileURLToPath(new URL('./cluster-node.ts', import.meta.url))]

async function openClient(url: string, name: string) {
  const doc = new Y.Doc()
  const protocols = ['roomful.plain', `bearer.${await tokenOf(name)}`]
  const options = { protocols, disableBc: true, maxBackoffTime: 200 }
  const provider = new WebsocketProvider(`${url.replace('http', 'ws')}/yjs`, 'plan', doc, options)
  onTestFinished(() => provider.destroy())
  provider.awareness.setLocalStateField('user', { name })
  return { provider, text: doc.getText('content') }
}

it('[Y23] [D15] a document behind nginx goes on when Redis is killed, and when nodes are killed or end', async () => {
  vi.stubEnv('JWT_SECRET', SECRET)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { cluster } = await startCluster(program)
  const names = ['ann', 'ben', 'cem', 'dee']
  const clients = await Promise.all(names.map((name) => openClient(cluster.url, name)))
  let written = ''
  const writeAll = async (mark: string): Promise<void> => {
    for (const { text } of clients) text.insert(text.length, mark)
    written += mark.repeat(clients.length)
    await vi.waitFor(
      () => {
        for (const { text } of clients) {
          expect(text.length).toBe(written.length)
          expect(text.toString()).toBe(clients[0]?.text.toString())
        }
      },
      { timeout: 15_000, interval: 20 },
    )
  }
  await vi.waitFor(() => expect(clients.every(({ provider }) => provider.synced)).toBe(true), 10_000)
  await writeAll('a')
  for (const { provider } of clients) expect(provider.awareness.getStates().size).toBe(clients.length)
  const links = clients.map(({ provider }) => provider.ws)
  if (cluster.redis.pid) process.kill(cluster.redis.pid, 'SIGKILL')
  await writeAll('b')
  expect(clients.map(({ provider }) => provider.ws)).toEqual(links)
  if (cluster.nodes[0]?.pid) process.kill(cluster.nodes[0].pid, 'SIGKILL')
  await writeAll('c')
  if (cluster.nodes[1]?.pid) process.kill(cluster.nodes[1].pid, 'SIGTERM')
  await writeAll('d')
  const late = await openClient(cluster.url, 'late')
  await vi.waitFor(() => expect(late.text.toString()).toBe(clients[0]?.text.toString()), 10_000)
})

/** A cluster of the test's own: real Redis, real nginx, in a folder that goes with it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Cluster, type ClusterOptions } from '../../scripts/lib/cluster/cluster.ts'
import { freePort } from '../../scripts/lib/cluster/ports.ts'

/** @param program what Node runs as a node */
export async function startCluster(program: readonly string[], given: Partial<ClusterOptions> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-cluster-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const sentences: string[] = []
  const cluster = await Cluster.prepare({
    nodes: 2,
    port: await freePort(),
    folder,
    appendfsync: 'always',
    program,
    say: (sentence) => sentences.push(sentence),
    onGivenUp: () => undefined,
    ...given,
  })
  onTestFinished(() => cluster.stop())
  await cluster.start()
  return { cluster, sentences }
}

/** A registry on this machine that has the packed packages of one scope, so that an install is tried as after a release. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'

/** What a package is served from. */
export interface ServedPackage {
  readonly name: string
  readonly version: string
  readonly manifest: Readonly<Record<string, unknown>>
  readonly tarball: string
}

export interface LocalRegistry {
  readonly url: string
  /** The line of `.npmrc` that sends the scope here; all other packages come from the usual registry. */
  readonly npmrc: string
  close(): Promise<void>
}

/** Serves the packages on a free port of the loopback address. */
export async function openLocalRegistry(packages: readonly ServedPackage[]): Promise<LocalRegistry> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', url()).pathname).slice(1)
    const byTarball = packages.find(({ tarball }) => path === `-/${basename(tarball)}`)
    const byName = packages.find(({ name }) => path === name)
    if (byTarball) response.end(readFileSync(byTarball.tarball))
    else if (byName) response.setHeader('content-type', 'application/json').end(JSON.stringify(document(byName, url())))
    else response.writeHead(404).end('{}')
  })
  const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: url(),
    npmrc: `@roomful:registry=${url()}\n`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function document({ name, version, manifest, tarball }: ServedPackage, url: string): unknown {
  const integrity = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
  const dist = { tarball: `${url}/-/${basename(tarball)}`, integrity }
  return { name, 'dist-tags': { latest: version }, versions: { [version]: { ...manifest, dist } } }
}

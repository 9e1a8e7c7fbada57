/** The real nginx with the file of deploy/, on ports and with a certificate of this test. It runs as a child and leaves nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { renderSite, startNginx as start } from '../../scripts/lib/cluster/nginx.ts'
import { freePort } from '../../scripts/lib/cluster/ports.ts'

export interface Nginx {
  /** `https://localhost:<port>` */
  readonly url: string
  /** Of plain HTTP, which is sent on to https. */
  readonly httpPort: number
  /** The certificate that a client has to trust. */
  readonly ca: string
  stop(): Promise<void>
}

/** @param upstreams ports of the servers behind it */
export async function startNginx(upstreams: readonly number[]): Promise<Nginx> {
  const folder = newFolder()
  const [httpPort, httpsPort] = await Promise.all([freePort(), freePort()])
  // One of its own: of two trusted certificates with the same name, the wrong one may be looked at.
  const subject = [{ name: 'commonName', value: `localhost ${httpsPort}` }]
  const extensions = [{ name: 'subjectAltName' as const, altNames: [{ type: 2 as const, value: 'localhost' }] }]
  const { cert, private: key } = await generate(subject, { extensions })
  const certificate = join(folder, 'fullchain.pem')
  const keyFile = join(folder, 'privkey.pem')
  writeFileSync(certificate, cert)
  writeFileSync(keyFile, key, { mode: 0o600 })
  const site = renderSite({
    upstreams: upstreams.map((port) => `127.0.0.1:${port}`),
    listen: `127.0.0.1:${httpsPort}`,
    tls: { listen: `127.0.0.1:${httpPort}`, certificate, key: keyFile },
  })
  const stop = await run(folder, site, httpsPort)
  return { url: `https://localhost:${httpsPort}`, httpPort, ca: cert, stop }
}

export interface PlainNginx {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/** The same file over plain HTTP, as `npm run cluster` has it. */
export async function startHttpNginx(upstreams: readonly number[]): Promise<PlainNginx> {
  const port = await freePort()
  const servers = upstreams.map((each) => `127.0.0.1:${each}`)
  const site = renderSite({ upstreams: servers, listen: `127.0.0.1:${port}` })
  return { url: `http://127.0.0.1:${port}`, port, stop: await run(newFolder(), site, port) }
}

/**
 * An nginx that somebody put in front and left at its defaults: HTTP/1.0 to what is behind it, answers buffered.
 * @param more directives of its location
 */
export async function startPlainNginx(upstream: number, more = ''): Promise<PlainNginx> {
  const port = await freePort()
  const location = `location / { proxy_pass http://127.0.0.1:${upstream}; ${more} }`
  const site = `server { listen 127.0.0.1:${port}; ${location} }`
  return { url: `http://127.0.0.1:${port}`, port, stop: await run(newFolder(), site, port) }
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'roomful-nginx-'))
}

/** @returns what stops it and removes its folder */
async function run(folder: string, site: string, port: number): Promise<() => Promise<void>> {
  const child = await start({ folder, site, port })
  return async () => {
    await child.stop()
    rmSync(folder, { recursive: true })
  }
}

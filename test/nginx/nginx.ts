/** The real nginx with the file of deploy/, on ports and with a certificate of this test. It runs as a child and leaves nothing. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { generate } from 'selfsigned'

const PROGRAM = process.env.NGINX ?? '/usr/sbin/nginx'
const shipped = new URL('../../deploy/nginx.conf', import.meta.url)

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
  writeFileSync(join(folder, 'fullchain.pem'), cert)
  writeFileSync(join(folder, 'privkey.pem'), key, { mode: 0o600 })
  writeFileSync(join(folder, 'site.conf'), siteFor({ folder, upstreams, httpPort, httpsPort }))
  const stop = await run(folder, httpsPort)
  return { url: `https://localhost:${httpsPort}`, httpPort, ca: cert, stop }
}

export interface PlainNginx {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/**
 * An nginx that somebody put in front and left at its defaults: HTTP/1.0 to what is behind it, answers buffered.
 * @param more directives of its location
 */
export async function startPlainNginx(upstream: number, more = ''): Promise<PlainNginx> {
  const folder = newFolder()
  const port = await freePort()
  const location = `location / { proxy_pass http://127.0.0.1:${upstream}; ${more} }`
  writeFileSync(join(folder, 'site.conf'), `server { listen 127.0.0.1:${port}; ${location} }`)
  return { url: `http://127.0.0.1:${port}`, port, stop: await run(folder, port) }
}

function newFolder(): string {
  return mkdtempSync(join(tmpdir(), 'roomful-nginx-'))
}

/** @returns what stops it and removes its folder */
async function run(folder: string, port: number): Promise<() => Promise<void>> {
  writeFileSync(join(folder, 'nginx.conf'), around(folder))
  mkdirSync(join(folder, 'temp'))
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;']
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const exited = once(child, 'exit')
  let isOver = false
  exited.then(() => {
    isOver = true
  })
  while (!(await isOpen(port))) {
    if (isOver) throw new Error(`nginx did not start: ${readFileSync(join(folder, 'error.log'), 'utf8')}`)
    await setTimeout(20)
  }
  return async () => {
    child.kill('SIGTERM')
    await exited
    rmSync(folder, { recursive: true })
  }
}

interface Site {
  readonly folder: string
  readonly upstreams: readonly number[]
  readonly httpPort: number
  readonly httpsPort: number
}

/** The shipped file with other ports and paths; that each was found is what keeps this test one of that file. */
function siteFor({ folder, upstreams, httpPort, httpsPort }: Site): string {
  const servers = upstreams.map((port) => `server 127.0.0.1:${port};`).join('\n')
  const changes: readonly [from: string | RegExp, to: string][] = [
    ['server 127.0.0.1:8080;', servers],
    ['listen 80;', `listen 127.0.0.1:${httpPort};`],
    ['listen 443 ssl http2;', `listen 127.0.0.1:${httpsPort} ssl http2;`],
    ['/etc/letsencrypt/live/example.org/fullchain.pem', join(folder, 'fullchain.pem')],
    ['/etc/letsencrypt/live/example.org/privkey.pem', join(folder, 'privkey.pem')],
  ]
  return changes.reduce(
    (text, [from, to]) => {
      const changed = text.replace(from, to)
      if (changed === text) throw new Error(`deploy/nginx.conf no longer holds ${from}`)
      return changed
    },
    readFileSync(shipped, 'utf8'),
  )
}

/** What stands around a file of conf.d, with everything that nginx writes in one folder, and in one process. */
function around(folder: string): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path temp/${each};`)
  return `master_process off;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 1024; }
http {
access_log off;
${temp.join('\n')}
include ${folder}/site.conf;
}
`
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    }).on('error', () => resolve(false))
  })
}

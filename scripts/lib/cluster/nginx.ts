/** The real nginx with deploy/nginx.conf, on ports and with servers of one's own; what it writes stays in one folder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './child.ts'
import { isOpen } from './ports.ts'
import { find, PROGRAMS } from './programs.ts'

const SHIPPED = new URL('../../../deploy/nginx.conf', import.meta.url)
const SERVERS = /( *server 127\.0\.0\.1:808\d.*;\n)+/
const INTRODUCTION = /^(#.*\n)+/
const HTTP_SITE = /server \{\n {4}listen 80;\n(?:.+\n)+?\}\n\n/

export interface Site {
  /** `host:port` of the servers behind it. */
  readonly upstreams: readonly string[]
  /** What `listen` says: a port, or an address and a port. */
  readonly listen: string
  /** Without it the site is plain HTTP. */
  readonly tls?: {
    /** What `listen` says for plain HTTP, which is sent on to https. */
    readonly listen: string
    readonly certificate: string
    readonly key: string
  }
}

/**
 * The shipped file with other servers, ports and certificates.
 * @throws Error when the file no longer has a line that is to be replaced
 */
export function renderSite({ upstreams, listen, tls }: Site): string {
  const servers = upstreams.map((each) => `    server ${each} max_fails=0;\n`).join('')
  const changes: readonly [from: string | RegExp, to: string][] = tls
    ? [
        [SERVERS, servers],
        ['listen 80;', `listen ${tls.listen};`],
        ['listen 443 ssl http2;', `listen ${listen} ssl http2;`],
        ['/etc/letsencrypt/live/example.org/fullchain.pem', tls.certificate],
        ['/etc/letsencrypt/live/example.org/privkey.pem', tls.key],
      ]
    : [
        [INTRODUCTION, '# Made from deploy/nginx.conf: the same over plain HTTP.\n'],
        [SERVERS, servers],
        [HTTP_SITE, ''],
        ['listen 443 ssl http2;', `listen ${listen};`],
        ['server_name example.org;', 'server_name _;'],
        [/( *ssl_.*\n)+\n/, ''],
      ]
  return changes.reduce(
    (text, [from, to]) => {
      const changed = text.replace(from, to)
      if (changed === text) throw new Error(`deploy/nginx.conf no longer holds ${from}`)
      return changed
    },
    readFileSync(SHIPPED, 'utf8'),
  )
}

export interface NginxOptions {
  readonly folder: string
  /** A file of `conf.d`: `renderSite`, or one of one's own. */
  readonly site: string
  /** It is ready once this one is open. */
  readonly port: number
  /** Ends it when it is not ready yet. */
  readonly signal?: AbortSignal
}

/** @throws MissingProgram; Error when it does not start (both reject) */
export async function startNginx({ folder, site, port, signal }: NginxOptions): Promise<Child> {
  const program = find(PROGRAMS.nginx)
  writeFileSync(join(folder, 'site.conf'), site)
  writeFileSync(join(folder, 'nginx.conf'), around(folder))
  mkdirSync(join(folder, 'temp'), { recursive: true })
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', 'daemon off;']
  return Child.start({ name: 'nginx', program, args, detached: true, isReady: () => isOpen(port), signal })
}

/** What stands around a file of conf.d, in one process. */
function around(folder: string): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((each) => `${each}_temp_path temp/${each};`)
  return `master_process off;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 8192; }
http {
access_log off;
${temp.join('\n')}
include ${folder}/site.conf;
}
`
}

/** `/client.html`: the test client in one file. Its policy allows only its own script and connections to this server. A2.6. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Route } from './declare.ts'

const FILE = new URL('../../../static/client.html', import.meta.url)

interface ClientPage {
  readonly bytes: Buffer
  readonly etag: string
  /** The Content-Security-Policy without `connect-src`. */
  readonly policy: string
}

let page: ClientPage | undefined

export const clientPageRoute: Route = {
  method: 'GET',
  segment: 'client.html',
  path: /^\/client\.html$/,
  answer({ request, response }) {
    page ??= readPage()
    serve(page, request, response)
  },
}

function serve({ bytes, etag, policy }: ClientPage, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('ETag', etag)
  response.setHeader('Cache-Control', 'no-cache')
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end()
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': bytes.length,
    'Content-Security-Policy': `${policy}; connect-src ${ownSockets(request.headers.host)}`,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  })
  response.end(bytes)
}

function readPage(): ClientPage {
  const bytes = readFileSync(FILE)
  const html = bytes.toString('utf8')
  const policy = [
    "default-src 'none'",
    `script-src ${hashes(html, 'script')}`,
    `style-src ${hashes(html, 'style')}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return { bytes, etag: `"${digest(bytes).slice(0, 22)}"`, policy: policy.join('; ') }
}

/** Inline scripts and styles are allowed by hash, so that injected ones cannot run. */
function hashes(html: string, tag: 'script' | 'style'): string {
  const found = html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))
  return Array.from(found, ([, text = '']) => `'sha256-${digest(text)}'`).join(' ') || "'none'"
}

/** In some browsers `'self'` does not include `ws:`. */
function ownSockets(host: string | undefined): string {
  if (host === undefined || !/^[\w.:[\]-]+$/.test(host)) return "'self'"
  return `'self' ws://${host} wss://${host}`
}

function digest(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('base64')
}

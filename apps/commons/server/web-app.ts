/**
 * Serves the built web app from the server's own port: files with a hash in their name for ever, and for every other path
 * that a person may type or reload the one page, which finds out by itself what to show. Roomful's own paths never come
 * here. The page may run its own files and talk to this server, and nothing else.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { type WebFile, WebFiles } from './web-files.ts'

const FOLDER = fileURLToPath(new URL('../dist/', import.meta.url))
const PAGE = 'index.html'
/** Stands in the built page wherever a nonce belongs; `vite.config.ts` puts it there. */
const NONCE_MARK = '__NONCE__'

export function serveWebApp(server: Server, folder = FOLDER): void {
  const files = new WebFiles(folder)
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answer(files, request, response).catch(() => response.destroy())
  })
}

async function answer(files: WebFiles, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost')
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  response.setHeader('X-Content-Type-Options', 'nosniff')
  const file = files.find(pathname.slice(1))
  if (isRead && file && file.name !== PAGE) return sendFile(file, request, response)
  const page = files.find(PAGE)
  if (isRead && page && isForPeople(pathname, request)) return sendPage(page, request, response)
  // Without a build there is still the test client, which needs none.
  if (isRead && !page && pathname === '/') return void response.writeHead(302, { Location: '/client.html' }).end()
  const error = { code: 'NOT_FOUND', message: 'There is nothing here' }
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' }
  response.writeHead(404, headers).end(JSON.stringify({ error }))
}

/** A place in the application, and not a file or an answer for a program that is not there. */
function isForPeople(pathname: string, { headers }: IncomingMessage): boolean {
  if (pathname === '/') return true
  return !/^\/api\/|\.\w+$/.test(pathname) && (headers.accept ?? '').includes('text/html')
}

async function sendFile(file: WebFile, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('Cache-Control', file.isHashed ? 'public, max-age=31536000, immutable' : 'no-cache')
  response.setHeader('ETag', file.etag)
  response.setHeader('Vary', 'Accept-Encoding')
  if (request.headers['if-none-match'] === file.etag) return void response.writeHead(304).end()
  const { encoding, bytes } = await file.encoded(String(request.headers['accept-encoding'] ?? ''))
  if (encoding !== undefined) response.setHeader('Content-Encoding', encoding)
  response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': bytes.length })
  response.end(request.method === 'HEAD' ? undefined : bytes)
}

async function sendPage(page: WebFile, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const nonce = randomBytes(16).toString('base64')
  const html = Buffer.from(page.bytes.toString('utf8').replaceAll(NONCE_MARK, nonce))
  response.writeHead(200, {
    'Content-Type': page.type,
    'Content-Length': html.length,
    'Cache-Control': 'no-store', // its nonce is for one time
    'Content-Security-Policy': policy(nonce, request.headers.host),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Frame-Options': 'DENY',
  })
  response.end(request.method === 'HEAD' ? undefined : html)
}

function policy(nonce: string, host: string | undefined): string {
  // Not every browser counts ws: among what 'self' means.
  const sockets = host !== undefined && /^[\w.:[\]-]+$/.test(host) ? ` ws://${host} wss://${host}` : ''
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src 'self'${sockets}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Serves the files of the official client, for pages that load them from the server. */
import { createReadStream, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream'
import { createBrotliCompress, createDeflate, createGzip } from 'node:zlib'
import accepts from 'accepts'

const FILES: ReadonlySet<string> = new Set(
  ['socket.io.js', 'socket.io.min.js', 'socket.io.esm.min.js', 'socket.io.msgpack.min.js'].flatMap((file) => [
    file,
    `${file}.map`,
  ]),
)
const ENCODERS = { br: createBrotliCompress, gzip: createGzip, deflate: createDeflate }

let found: { readonly folder: string; readonly version: string } | undefined

/** The client that is installed beside this package. */
function client(): { readonly folder: string; readonly version: string } {
  if (found) return found
  const manifest = createRequire(import.meta.url).resolve('socket.io-client/package.json')
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
  found = { folder: join(dirname(manifest), 'dist'), version }
  return found
}

/** @returns the name of a file of the client, if the URL names one below the path */
export function bundleOf(path: string, url: string): string | undefined {
  if (!url.startsWith(`${path}/`)) return undefined
  const [name = ''] = url.slice(path.length + 1).split('?')
  return FILES.has(name) ? name : undefined
}

export function serveBundle(name: string, request: IncomingMessage, response: ServerResponse): void {
  const { folder, version } = client()
  const etag = `"${version}"`
  const known = request.headers['if-none-match']
  if (known === etag || known === `W/${etag}`) return void response.writeHead(304).end()
  const encoding = accepts(request).encodings(['br', 'gzip', 'deflate'])
  const encode = typeof encoding === 'string' ? ENCODERS[encoding as keyof typeof ENCODERS] : undefined
  response.writeHead(200, {
    'Cache-Control': 'public, max-age=0',
    'Content-Type': `application/${name.endsWith('.map') ? 'json' : 'javascript'}; charset=utf-8`,
    ETag: etag,
    ...(encode && { 'Content-Encoding': encoding as string }),
  })
  const end = (error: unknown): void => {
    if (error) response.end()
  }
  const file = createReadStream(join(folder, name))
  if (encode) pipeline(file, encode(), response, end)
  else pipeline(file, response, end)
}

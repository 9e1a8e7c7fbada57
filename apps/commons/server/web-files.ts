/** The files of the built web app: found by name, read once, compressed for the first client that accepts it. */
import { createHash } from 'node:crypto'
import { globSync, readFileSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
}
const COMPRESSIBLE = /^(text|application)\/|svg/
/** Smaller files gain nothing. */
const COMPRESS_FROM_BYTES = 1_024

export interface Encoded {
  /** For `Content-Encoding`. */
  readonly encoding: string | undefined
  readonly bytes: Buffer
}

export class WebFile {
  readonly name: string
  readonly type: string
  readonly bytes: Buffer
  readonly etag: string
  private readonly packed = new Map<string, Promise<Buffer>>()

  constructor(name: string, bytes: Buffer) {
    this.name = name
    this.bytes = bytes
    this.type = TYPES[extname(name)] ?? 'application/octet-stream'
    this.etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
  }

  /** Its name changes with its content, so it may be kept for ever. */
  get isHashed(): boolean {
    return this.name.startsWith('assets/')
  }

  /** @param accepted the request's `Accept-Encoding` */
  async encoded(accepted: string): Promise<Encoded> {
    const encoding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : undefined
    const isWorthIt = COMPRESSIBLE.test(this.type) && this.bytes.length >= COMPRESS_FROM_BYTES
    if (encoding === undefined || !isWorthIt) return { encoding: undefined, bytes: this.bytes }
    const packed = this.packed.get(encoding) ?? pack(this.bytes, encoding)
    this.packed.set(encoding, packed)
    return { encoding, bytes: await packed }
  }
}

/** Knows the names when it is made; what a build adds later is there after the next start. */
export class WebFiles {
  private readonly folder: string
  private readonly names: ReadonlySet<string>
  private readonly files = new Map<string, WebFile>()

  constructor(folder: string) {
    this.folder = folder
    const found = globSync('**/*', { cwd: folder }).filter((name) => statSync(join(folder, name)).isFile())
    this.names = new Set(found.map((name) => name.replaceAll('\\', '/')))
  }

  /** @param name as in a URL: only what was found is ever read, so no path leads out of the folder */
  find(name: string): WebFile | undefined {
    if (!this.names.has(name)) return undefined
    const file = this.files.get(name) ?? new WebFile(name, readFileSync(join(this.folder, name)))
    this.files.set(name, file)
    return file
  }
}

const brotliAsync = promisify(brotliCompress)
const gzipAsync = promisify(gzip)

function pack(bytes: Buffer, encoding: 'br' | 'gzip'): Promise<Buffer> {
  if (encoding === 'gzip') return gzipAsync(bytes)
  return brotliAsync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 6 } })
}

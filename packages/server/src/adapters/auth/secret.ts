/**
 * The secret behind HS256 tokens: the one that was set, or a random one that stays the same over restarts because it is
 * kept, readable by its owner only, beside the data. The command line finds the same one, so its tokens are good here.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** As many bytes as the hash has. RFC 7518 section 3.2. */
const SECRET_MIN_BYTES = 32
const FILE_NAME = 'jwt-secret'

export interface Secret {
  readonly bytes: Uint8Array
  /** A sentence for whoever starts the server. */
  readonly notice?: string
  /** The notice is about a risk. */
  readonly isRisky?: boolean
}

/**
 * @param given the setting JWT_SECRET
 * @param data the data folder, or `:memory:` for a secret that ends with the process
 * @throws Error with a sentence when the file can be neither read nor made
 */
export function findSecret(given: string | undefined, data: string): Secret {
  if (given !== undefined) {
    const bytes = Buffer.from(given)
    if (bytes.length >= SECRET_MIN_BYTES) return { bytes }
    const notice = `JWT_SECRET has ${bytes.length} bytes; with fewer than ${SECRET_MIN_BYTES} it can be guessed from a token.`
    return { bytes, notice, isRisky: true }
  }
  if (data === ':memory:') {
    const notice = 'JWT_SECRET is not set: tokens are signed with a random secret that ends with this process.'
    return { bytes: Buffer.from(randomSecret()), notice }
  }
  const path = join(data, FILE_NAME)
  const notice = `JWT_SECRET is not set: tokens are signed with the random secret in ${path}.`
  return { bytes: Buffer.from(readKept(path) ?? keep(data, path)), notice }
}

function readKept(path: string): string | undefined {
  try {
    const secret = readFileSync(path, 'utf8').trim()
    if (Buffer.byteLength(secret) < SECRET_MIN_BYTES) {
      throw new Error(`The secret in ${path} is too short; delete the file to have a new one made.`)
    }
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600)
    return secret
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw code === undefined ? error : new Error(`The secret in ${path} cannot be read (${code}).`, { cause: error })
  }
}

/** Written under another name and then linked: two processes that start at once end with one secret, and never half of it. */
function keep(folder: string, path: string): string {
  const secret = randomSecret()
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(draft, `${secret}\n`, { mode: 0o600, flag: 'wx' })
    linkSync(draft, path)
    return secret
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const other = code === 'EEXIST' ? readKept(path) : undefined
    if (other !== undefined) return other
    throw new Error(`The data folder ${folder} cannot be written (${code}); set JWT_SECRET or ROOMFUL_DATA.`, {
      cause: error,
    })
  } finally {
    rmSync(draft, { force: true })
  }
}

function randomSecret(): string {
  return randomBytes(SECRET_MIN_BYTES).toString('base64url')
}

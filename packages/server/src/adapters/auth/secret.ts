/**
 * The secret of HS256 tokens: the configured one, or a random one in a file in the data folder, readable by its owner only.
 * So it stays the same after a restart, and `roomful token` uses the same.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The size of the hash. RFC 7518 section 3.2. */
export const SECRET_MIN_BYTES = 32
const FILE_NAME = 'jwt-secret'

/** A secret, and what the operator should know about it. */
export interface Secret {
  readonly bytes: Uint8Array
  /** A sentence for the operator. */
  readonly notice?: string
  /** Whether the notice is about a risk. */
  readonly isRisky?: boolean
}

/**
 * Finds or creates the secret.
 * @param given the setting JWT_SECRET
 * @param data the data folder, or `:memory:` for a secret that ends with the process
 * @throws Error with a sentence when the file can be neither read nor created
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

/** Writes the file under another name and links it: two processes that start at once get one and the same whole secret. */
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

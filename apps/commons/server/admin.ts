/**
 * The first administrator. The first start creates an account `admin` with a random password. The terminal shows it once, and
 * the data folder keeps it in a file that only the owner can read. That folder also has the signing secret, so the file reveals
 * nothing more.
 */
import { randomInt } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Roomful, RoomfulError } from '@roomful/server'

const USERNAME = 'admin'
const FILE = 'admin-password'
/** Without letters and digits that look alike. 5 groups of 4 from 31 are 99 bits. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789'
const GROUPS = 5
const GROUP_LENGTH = 4

/**
 * @param data where Commons keeps what is its own, for all nodes, or `:memory:`
 * @returns what to say about it on the terminal
 */
export async function ensureAdmin(roomful: Roomful, data: string): Promise<string[]> {
  const isKept = data !== ':memory:'
  const file = join(data, FILE)
  const kept = isKept && existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
  const notes = [`admin         sign in as ${USERNAME}; the password is in ${file}`]
  const password = kept ?? createPassword()
  try {
    await roomful.createAccount({ username: USERNAME, password, role: 'admin' })
  } catch (error) {
    if (!(error instanceof RoomfulError) || error.code !== 'CONFLICT') throw error
    return kept === undefined ? [] : notes // an older data folder, with its own ways, or another node that starts
  }
  if (kept !== undefined) return notes
  const said = `admin         sign in as ${USERNAME} with the password ${password}`
  if (!isKept) return [said]
  mkdirSync(data, { recursive: true, mode: 0o700 })
  writeFileSync(file, `${password}\n`, { mode: 0o600 })
  return [`${said}   (kept in ${file})`]
}

function createPassword(): string {
  const letter = (): string => ALPHABET.charAt(randomInt(ALPHABET.length))
  const group = (): string => Array.from({ length: GROUP_LENGTH }, letter).join('')
  return Array.from({ length: GROUPS }, group).join('-')
}

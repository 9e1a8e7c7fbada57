/** The commands for a data folder: `backup` and `export` beside a running server or without one, and `restore`. docs/backup.md. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs' // biome-ignore format: one import
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { FORMAT } from '../adapters/brokers/local/sqlite/migrations.ts'
import { ConfigError } from '../config/config-error.ts'
import { loadWithOrigins } from '../config/load.ts'
import { OUTBOX } from '../core/log/outbox.ts'
import { version } from '../version.ts'

/** How such a command is called. */
export interface DataCommand {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly print: (line: string) => void
}

/** What a backup says of itself. */
interface Manifest {
  readonly roomful: string
  /** When it began: ISO 8601. */
  readonly at: string
  readonly files: readonly { readonly name: string; readonly bytes: number }[]
}

const MANIFEST = 'backup.json'
const SECRETS = ['jwt-secret', 'admin-password']
/** Pages of an export. */
const EXPORT_PAGE = 1_000
const MIB = 1024 ** 2

/** Not imported: an old Node without it gets a sentence first. */
const sqlite = () => createRequire(import.meta.url)('node:sqlite') as typeof import('node:sqlite')

/** Copies a data folder while its server runs. @throws ConfigError; Error when it failed, and nothing is left of it */
export function backup({ argv, env, print }: DataCommand): void {
  const { data, flags } = read(argv, env, ['to'])
  const to = flags.to
  if (to === undefined) throw new ConfigError('Say where to: roomful backup --to FOLDER.')
  const databases = databasesIn(data)
  if (existsSync(to) && readdirSync(to).length > 0) {
    throw new ConfigError(`${to} is not empty. A backup needs a new folder.`)
  }
  const at = new Date().toISOString()
  // Under another name until it is whole: half a backup must not pass for one.
  const draft = `${resolve(to)}.part`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true, mode: 0o700 })
  try {
    for (const name of databases) copyDatabase(join(data, name), join(draft, name))
    for (const name of SECRETS.filter((each) => existsSync(join(data, each)))) {
      copyFileSync(join(data, name), join(draft, name))
      chmodSync(join(draft, name), 0o600)
    }
    const files = readdirSync(draft).map((name) => ({ name, bytes: statSync(join(draft, name)).size }))
    const manifest: Manifest = { roomful: version(), at, files }
    writeFileSync(join(draft, MANIFEST), `${JSON.stringify(manifest, undefined, 2)}\n`, { mode: 0o600 })
    rmSync(to, { recursive: true, force: true })
    renameSync(draft, to)
    for (const { name, bytes } of files) print(`${name}  ${(bytes / MIB).toFixed(1)} MiB`)
    print(`The backup of ${data} is in ${to}, as of ${at}.`)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    throw new Error(`The backup failed, and nothing is left of it: ${reasonOf(error)}.`, { cause: error })
  }
}

/** Makes a data folder of a backup. @throws ConfigError; Error for a backup that is damaged or newer, with nothing made */
export function restore({ argv, env, print }: DataCommand): void {
  const { data, flags } = read(argv, env, ['from'])
  const { from } = flags
  if (from === undefined) throw new ConfigError('Say where it is: roomful restore --from FOLDER --data FOLDER.')
  if (existsSync(data) && readdirSync(data).length > 0) {
    throw new ConfigError(`${data} is not empty. Stop its server and move it away, or restore into another folder with --data.`) // biome-ignore format: one sentence
  }
  const databases = databasesIn(from)
  checkManifest(from)
  for (const name of databases) checkDatabase(from, name)
  const draft = `${resolve(data)}.part`
  rmSync(draft, { recursive: true, force: true })
  mkdirSync(draft, { recursive: true, mode: 0o700 })
  try {
    for (const name of [...databases, ...SECRETS].filter((each) => existsSync(join(from, each)))) {
      copyFileSync(join(from, name), join(draft, name))
      chmodSync(join(draft, name), 0o600)
    }
    rmSync(data, { recursive: true, force: true })
    renameSync(draft, data)
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    throw new Error(`The restore failed, and nothing was made: ${reasonOf(error)}.`, { cause: error })
  }
  print(`${data} is restored from ${from}. Its log is a new one: clients that saw more start again from what is there.`)
}

/** Prints stored events as lines of JSON, in the order of commits. @throws ConfigError */
export function exportEvents({ argv, env, print }: DataCommand): void {
  const { data, flags } = read(argv, env, ['namespace', 'room', 'user'])
  const path = join(data, 'roomful.db')
  if (!existsSync(path)) throw new ConfigError(`There is no roomful.db in ${data}.`)
  const db = new (sqlite().DatabaseSync)(path, { readOnly: true, timeout: 5_000 })
  try {
    const select = db.prepare(
      `SELECT events.id, namespaces.name AS namespace, rooms.name AS roomId, events.seq, events.n, events.ts, type, args, user
       FROM events JOIN rooms ON rooms.id = events.room JOIN namespaces ON namespaces.id = rooms.ns
       WHERE events.id > :after AND rooms.name <> :outbox AND (:namespace IS NULL OR namespaces.name = :namespace)
         AND (:room IS NULL OR rooms.name = :room) AND (:user IS NULL OR events.user = :user OR rooms.name = 'user:' || :user)
       ORDER BY events.id LIMIT ${EXPORT_PAGE}`,
    )
    const given = { namespace: flags.namespace ?? null, room: flags.room ?? null, user: flags.user ?? null }
    for (let after = 0; ; ) {
      const rows = select.all({ after, outbox: OUTBOX, ...given })
      for (const { id: _, args, user, ...row } of rows) {
        print(JSON.stringify({ ...row, userId: user ?? undefined, ...(args === null ? { redacted: true } : { args: JSON.parse(String(args)) }) })) // biome-ignore format: one line
      }
      if (rows.length < EXPORT_PAGE) return
      after = Number(rows.at(-1)?.id)
    }
  } finally {
    db.close()
  }
}

function read<const Flag extends string>(argv: readonly string[], env: DataCommand['env'], wanted: readonly Flag[]) {
  const { settings, commandFlags } = loadWithOrigins({ argv, env: withoutServing(env), commandFlags: [...wanted] })
  if (settings.data === ':memory:') throw new ConfigError('ROOMFUL_DATA is :memory:, so nothing is stored.')
  return { data: settings.data, flags: commandFlags as Readonly<Partial<Record<Flag, string>>> }
}

/** Only the folder counts: settings of a server that contradict each other without the others are none of it. */
function withoutServing(env: DataCommand['env']): DataCommand['env'] {
  return { ROOMFUL_DATA: env.ROOMFUL_DATA }
}

function databasesIn(folder: string): string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.db')) : []
  if (names.length > 0) return names.toSorted()
  throw new ConfigError(`There is no data in ${folder}. With REDIS_URL it is in Redis, which has backups of its own.`)
}

/** One moment of it, while others go on writing. */
function copyDatabase(from: string, to: string): void {
  const db = new (sqlite().DatabaseSync)(from, { timeout: 5_000 })
  try {
    writeFileSync(to, '', { mode: 0o600 }) // VACUUM INTO takes an empty file, and so its mode
    db.prepare('VACUUM INTO ?').run(to)
  } finally {
    db.close()
  }
}

function checkManifest(from: string): void {
  const path = join(from, MANIFEST)
  if (!existsSync(path)) return // made by hand
  const { files } = JSON.parse(readFileSync(path, 'utf8')) as Manifest
  for (const { name, bytes } of files) {
    const size = existsSync(join(from, name)) ? statSync(join(from, name)).size : 0
    if (size !== bytes)
      throw new Error(`${name} in ${from} has ${size} bytes instead of ${bytes}: the backup is damaged.`)
  }
}

function checkDatabase(from: string, name: string): void {
  const path = join(from, name)
  const db = new (sqlite().DatabaseSync)(path, { readOnly: true })
  try {
    const [outcome] = Object.values(db.prepare('PRAGMA quick_check(1)').get() ?? {})
    if (outcome !== 'ok') throw new Error(`${path} is damaged: ${outcome}.`)
    const format = Number(db.prepare('PRAGMA user_version').get()?.user_version)
    if (name === 'roomful.db' && format > FORMAT) {
      throw new Error(`${path} was written by a newer version of Roomful (format ${format}; this one knows ${FORMAT}).`)
    }
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_SQLITE_ERROR') throw error
    throw new Error(`${path} is damaged: ${(error as Error).message}.`, { cause: error })
  } finally {
    db.close()
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

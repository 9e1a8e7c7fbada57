/** docs/backup.md, word by word: its commands beside a server that people write to, and the restore. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { mkdtemp, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { user } from './lib/client.ts'
import { ROOT } from './lib/node.ts'
import { Publisher } from './lib/publisher.ts'
import { Server, UNLIMITED } from './lib/server.ts'
import { within } from './lib/wait.ts'

const WRITERS = 4
/** Of each writer: they write as fast as they are answered. */
const IN_FLIGHT = 2
/** `.backup` was not done after 12 s at such a rate. */
const BACKUP_MAX_MS = 10_000

const [, commands = ''] =
  /backup.test.ts -->\n```sh\n([\s\S]+?)```/.exec(readFileSync(join(ROOT, 'docs/backup.md'), 'utf8')) ?? []
const hasSqlite = spawnSync('sqlite3', ['--version']).status === 0

it.skipIf(!hasSqlite)(
  '[V25] the commands of the docs finish while people write, and what is restored is a log of its own',
  {
    timeout: 120_000,
  },
  async () => {
    const server = await Server.start({ env: UNLIMITED })
    const folder = await mkdtemp(join(tmpdir(), 'roomful-backup-'))
    const backup = join(folder, 'backup')
    let restored: Server | undefined
    try {
      await server.post('/api/users', { username: 'ann', password: 'a long password' })
      const reader = await user(server, 'reader')
      const { epoch } = await reader.ok('room:join', { roomId: 'lobby' })
      const writers = Array.from({ length: WRITERS }, (_, i) => new Publisher(`writer-${i}`, 'lobby'))
      await Promise.all(writers.map((writer) => writer.connect(server)))
      const stored = (): number => writers.flatMap(({ published }) => published.filter(({ seq }) => seq)).length
      const writing = Promise.all(writers.map((writer) => writer.run(100_000, IN_FLIGHT)))
      await expect.poll(stored).toBeGreaterThan(50)

      const before = stored()
      const env = { PATH: process.env.PATH, ROOMFUL_DATA: server.data, BACKUP: backup }
      const shell = spawn('sh', ['-c', commands], { env, stdio: ['ignore', 'inherit', 'inherit'] })
      const [code] = await within(once(shell, 'exit'), BACKUP_MAX_MS, 'the backup')
      expect(code).toBe(0)
      const after = stored()
      await expect.poll(stored).toBeGreaterThan(after + 50)
      expect(readdirSync(backup).sort()).toEqual([
        'admin-password',
        'commons.db',
        'documents.db',
        'roomful.db',
        'users.db',
      ])
      for (const file of readdirSync(backup)) {
        expect(statSync(join(backup, file)).mode & 0o077, file).toBe(0)
        if (!file.endsWith('.db')) continue
        const db = new DatabaseSync(join(backup, file), { readOnly: true })
        expect(db.prepare('PRAGMA integrity_check').get(), file).toEqual({ integrity_check: 'ok' })
        db.close()
      }

      await server.stop()
      await writing // each ends with its connection
      rmSync(server.data, { recursive: true })
      await rename(backup, server.data)
      restored = await Server.start({ data: server.data, env: UNLIMITED })
      const back = await user(restored, 'reader')
      const joined = await back.ok('room:join', { roomId: 'lobby', after: { epoch, seq: stored() } })
      expect(joined).toMatchObject({ recovered: false, reason: 'epoch' })
      expect(joined.seq).toBeGreaterThanOrEqual(before)
      expect(joined.seq).toBeLessThan(stored())
      expect((await restored.post('/api/session', { username: 'ann', password: 'a long password' })).status).toBe(200)
    } finally {
      await restored?.dispose()
      await server.dispose()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)

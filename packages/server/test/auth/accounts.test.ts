import { mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { LocalAttempts } from '../../src/adapters/auth/local-attempts.ts'
import { UserStore } from '../../src/adapters/auth/user-store.ts'
import { accountBehaviour } from './account-behaviour.ts'

const code = (value: string) => expect.objectContaining({ code: value })

describe('accounts of one node', () => {
  accountBehaviour(async (clock) => ({
    store: new UserStore(':memory:', () => clock.now()),
    attempts: new LocalAttempts(clock),
  }))
})

describe('users.db', () => {
  const folder = (): string => mkdtempSync(join(tmpdir(), 'roomful-users-'))

  it('survives a restart', async () => {
    const data = folder()
    const before = new UserStore(data, Date.now)
    await before.ensure({ sub: 'carol', name: 'Carol', role: 'user' })
    await before.setBanned('carol', true, 'Spam')
    before.close()
    const after = new UserStore(data, Date.now)
    expect(await after.find('carol')).toMatchObject({ name: 'Carol', banned: true, banReason: 'Spam' })
    after.close()
    after.close()
    expect(statSync(join(data, 'users.db')).mode & 0o777).toBe(0o600)
  })

  it('of the first version keeps its accounts and learns to keep a reason', async () => {
    const data = folder()
    const older = new DatabaseSync(join(data, 'users.db'))
    older.exec(`CREATE TABLE users (sub TEXT PRIMARY KEY, name TEXT NOT NULL, login TEXT UNIQUE, password TEXT, role TEXT,
      banned INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO users VALUES ('dora', 'Dora', NULL, NULL, NULL, 1, 5); PRAGMA user_version = 1`)
    older.close()
    for (const reason of [undefined, 'Spam']) {
      const store = new UserStore(data, Date.now)
      expect(await store.find('dora')).toMatchObject({ name: 'Dora', banned: true, banReason: reason })
      await store.setBanned('dora', true, 'Spam')
      store.close()
    }
  })

  it('of the second version learns where accounts have signed in', async () => {
    const data = folder()
    const before = new UserStore(data, Date.now)
    before.create({ sub: 'carol', name: 'Carol', login: 'carol', password: 'x' })
    before.close()
    const old = new DatabaseSync(join(data, 'users.db'))
    old.exec('DROP TABLE sign_in_places; PRAGMA user_version = 2')
    old.close()
    const place = Buffer.from('somewhere')
    const after = new UserStore(data, Date.now)
    after.rememberPlace('carol', place)
    after.close()
    const again = new UserStore(data, Date.now)
    expect(again.findLogin('carol')).toMatchObject({ sub: 'carol' })
    expect([again.isKnownPlace('carol', place), again.isKnownPlace('dave', place)]).toEqual([true, false])
    again.close()
  })

  it('of a newer version, or no database at all, is refused with a sentence', () => {
    const data = folder()
    const newer = new DatabaseSync(join(data, 'users.db'))
    newer.exec('PRAGMA user_version = 99')
    newer.close()
    expect(() => new UserStore(data, Date.now)).toThrow(/users\.db was written by a newer version of Roomful/)
    expect(() => new UserStore('/dev/null/x', Date.now)).toThrow(/The accounts in .* cannot be opened/)
  })

  it('that cannot be written says UNAVAILABLE', async () => {
    const data = folder()
    const store = new UserStore(data, Date.now)
    const other = new DatabaseSync(join(data, 'users.db'))
    other.exec('BEGIN IMMEDIATE')
    const user = { sub: 'dave', name: 'Dave', role: 'user' }
    await expect(store.ensure(user)).rejects.toEqual(code('UNAVAILABLE'))
    other.exec('ROLLBACK')
    await expect(store.ensure(user)).resolves.toMatchObject({ sub: 'dave' })
    other.close()
    store.close()
  })
})

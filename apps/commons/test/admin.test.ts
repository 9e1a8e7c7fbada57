/** The first administrator: created once, and its password shown once. */
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRoomful, type Roomful } from '@roomful/server'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ensureAdmin } from '../server/admin.ts'

let data: string
let roomful: Roomful | undefined

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'admin-'))
})
afterEach(async () => {
  await roomful?.close()
  await rm(data, { recursive: true })
})

async function start(folder = data): Promise<{ notes: string[]; url: string }> {
  await roomful?.close()
  roomful = createRoomful({ data: folder, jwtSecret: 'x'.repeat(32) }).standardNamespaces()
  const notes = await ensureAdmin(roomful, folder)
  return { notes, url: (await roomful.listen({ port: 0 })).url }
}

async function roleOf(url: string, password: string): Promise<unknown> {
  const body = JSON.stringify({ username: 'admin', password })
  const response = await fetch(`${url}/api/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const { user } = (await response.json()) as { user?: { role: string } }
  return user?.role
}

const PASSWORD = /the password ((?:[a-z2-9]{4}-){4}[a-z2-9]{4})\b/

it('the first start says how to sign in, later ones only where that is written', async () => {
  const first = await start()
  const [, password = ''] = PASSWORD.exec(first.notes.join()) ?? []
  expect(await roleOf(first.url, password)).toBe('admin')
  const file = join(data, 'admin-password')
  expect((await stat(file)).mode & 0o777).toBe(0o600)

  const second = await start()
  expect(second.notes.join()).toContain(file)
  expect(second.notes.join()).not.toMatch(PASSWORD)
  expect(await roleOf(second.url, (await readFile(file, 'utf8')).trim())).toBe('admin')
})

it('what is kept nowhere gets another password each time', async () => {
  const { notes, url } = await start(':memory:')
  const [, password = ''] = PASSWORD.exec(notes.join()) ?? []
  expect(await roleOf(url, password)).toBe('admin')
})

it('an existing account of that name stays what it is', async () => {
  roomful = createRoomful({ data, jwtSecret: 'x'.repeat(32) }).standardNamespaces()
  await roomful.createAccount({ username: 'Admin', password: 'a user’s own' })
  const { notes, url } = await start()
  expect(notes).toEqual([])
  expect(await roleOf(url, 'a user’s own')).toBe('user')
})

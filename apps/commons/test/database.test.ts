/** The database of Commons, as several processes of one machine share it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'

const PROCESSES = 6

it('processes that open a new one at the same time find the tables made once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'commons-database-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = new URL('../database.ts', import.meta.url).href
  // Each says that it is ready, and waits for the word to begin.
  const script = `
    const { Database } = await import(${JSON.stringify(file)})
    const { once } = await import('node:events')
    process.stdout.write('ready')
    await once(process.stdin, 'data')
    process.stdin.destroy()
    const database = new Database(${JSON.stringify(folder)})
    for (let i = 0; i < 10; i++) database.migrate('feature' + i, ['CREATE TABLE table' + i + ' (id TEXT)', 'CREATE INDEX index' + i + ' ON table' + i + ' (id)'])
    database.close()`
  const children = Array.from({ length: PROCESSES }, () =>
    spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', script], { stdio: 'pipe' }),
  )
  const ended = children.map(async (child) => {
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    const [code] = await once(child, 'close')
    return { code, said }
  })
  await Promise.all(children.map((child) => once(child.stdout, 'data')))
  for (const child of children) child.stdin.end('begin')
  expect(await Promise.all(ended)).toEqual(new Array(PROCESSES).fill({ code: 0, said: '' }))
}, 30_000)

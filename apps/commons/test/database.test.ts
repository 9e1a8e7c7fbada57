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
  // Each waits for the same moment.
  const script = `
    const { Database } = await import(${JSON.stringify(file)})
    const { setTimeout } = await import('node:timers/promises')
    await setTimeout(Number(process.argv[1]) - Date.now())
    const database = new Database(${JSON.stringify(folder)})
    for (let i = 0; i < 10; i++) database.migrate('feature' + i, ['CREATE TABLE table' + i + ' (id TEXT)', 'CREATE INDEX index' + i + ' ON table' + i + ' (id)'])
    database.close()`
  const at = String(Date.now() + 1_500)
  const ended = await Promise.all(
    Array.from({ length: PROCESSES }, async () => {
      const args = ['--conditions=source', '--input-type=module', '-e', script, at]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
      let said = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
      const [code] = await once(child, 'close')
      return { code, said }
    }),
  )
  expect(ended).toEqual(new Array(PROCESSES).fill({ code: 0, said: '' }))
})

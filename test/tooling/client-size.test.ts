/** The size check is proven able to fail: it weighs what is there, and refuses what a browser cannot load. */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { measureClient } from '../../scripts/lib/client-size.ts'

let house: string

beforeEach(async () => {
  house = await mkdtemp(join(tmpdir(), 'client-size-'))
  await mkdir(join(house, 'packages/client/src'), { recursive: true })
})

afterEach(() => rm(house, { recursive: true }))

const putClient = (text: string) => writeFile(join(house, 'packages/client/src/index.ts'), text)

test('a client that carries 20 KB of noise is over the limit', async () => {
  await putClient(`export const connect = '${randomBytes(20_000).toString('base64')}'`)
  const { bytes, limitBytes } = await measureClient(house)
  expect(bytes).toBeGreaterThan(limitBytes)
})

test('types weigh nothing', async () => {
  await putClient('export interface Wide { a: 1 }\nexport const connect: Wide = { a: 1 }')
  expect((await measureClient(house)).bytes).toBeLessThan(100)
})

test('what is loaded on demand is apart', async () => {
  await writeFile(
    join(house, 'packages/client/src/more.ts'),
    `export const noise = '${randomBytes(20_000).toString('base64')}'`,
  )
  await putClient(`export const connect = () => import('./more.ts')`)
  expect((await measureClient(house)).bytes).toBeLessThan(200)
})

test('a client that needs Node cannot be bundled for a browser', async () => {
  await putClient(`export { readFile as connect } from 'node:fs'`)
  await expect(measureClient(house)).rejects.toThrow('node:fs')
})

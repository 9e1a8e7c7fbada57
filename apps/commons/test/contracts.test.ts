/** PROTOCOL.md speaks of every event that the contracts of Commons declare. */
import { readFileSync } from 'node:fs'
import type { Contract } from '@roomful/server'
import { expect, it } from 'vitest'
import { directContract } from '../features/direct/contract.ts'
import { documentsContract } from '../features/documents/contract.ts'
import { gamesContract } from '../features/games/contract.ts'
import { inspectorContract } from '../features/inspector/contract.ts'
import { labContract } from '../features/lab/contract.ts'
import { marketContract } from '../features/market/contract.ts'
import { readsContract } from '../features/reads/contract.ts'
import { customerContract, productsContract, sellerContract, supportContract } from '../features/shop/contract.ts'
import { stageContract } from '../features/stage/contract.ts'
import { tasksContract } from '../features/tasks/contract.ts'

const page = readFileSync(new URL('../../../PROTOCOL.md', import.meta.url), 'utf8')
const section = page.slice(page.indexOf('## 18. '))

const CONTRACTS: Readonly<Record<string, Contract>> = {
  direct: directContract,
  documents: documentsContract,
  games: gamesContract,
  inspector: inspectorContract,
  lab: labContract,
  market: marketContract,
  products: productsContract,
  customer: customerContract,
  seller: sellerContract,
  support: supportContract,
  reads: readsContract,
  stage: stageContract,
  tasks: tasksContract,
}

it.each(Object.entries(CONTRACTS))('PROTOCOL.md names the events of %s', (_name, { client, server }) => {
  const missing = [...Object.keys(client), ...Object.keys(server)].filter((event) => !section.includes(`\`${event}`))
  expect(missing).toEqual([])
})

/** The store of a server that runs alone, in memory and in a file. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openDocumentStore } from '../src/store/document-store.ts'
import { storeContract } from './store-contract.ts'

const LIMITS = { sync: 'normal', foldUpdates: 500, foldBytes: 256 * 1024 } as const

storeContract('memory', async () => {
  const store = openDocumentStore({ path: ':memory:', ...LIMITS })
  return { store, another: async () => store }
})

storeContract('SQLite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'roomful-documents-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const open = () => openDocumentStore({ path: join(folder, 'documents.db'), ...LIMITS })
  const another = async () => {
    const second = open()
    onTestFinished(() => second.close())
    return second
  }
  return { store: open(), another }
})

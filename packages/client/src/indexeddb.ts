/**
 * Keeps the outbox in the browser's IndexedDB, so that what was written and not acknowledged survives a reload, a crash of
 * the tab, a closed laptop; a late repeat gets the stored reply, since the server knows its key (D12). Two tabs may share
 * one: what both send is still done once.
 */
import type { OutboxEntry, OutboxStorage } from './outbox-storage.ts'

const STORE = 'outbox'

/**
 * @param name of the database: one per person, or what one wrote would be sent in another's name
 * @example connect(url, { outbox: { storage: indexedDbOutbox(`outbox-${userId}`) } })
 */
export function indexedDbOutbox(name: string): OutboxStorage {
  let opened: Promise<IDBDatabase> | undefined
  const open = (): Promise<IDBDatabase> => {
    opened ??= openDatabase(name, () => {
      opened = undefined
    })
    return opened
  }
  return {
    async load() {
      const store = await storeOf(open(), 'readonly')
      const entries = (await answerOf(store.getAll())) as OutboxEntry[]
      return entries.sort((a, b) => a.createdMs - b.createdMs)
    },
    async put(entry) {
      const store = await storeOf(open(), 'readwrite')
      store.put(entry)
      await done(store.transaction)
    },
    async remove(key) {
      const store = await storeOf(open(), 'readwrite')
      store.delete(key)
      await done(store.transaction)
    },
  }
}

async function storeOf(database: Promise<IDBDatabase>, mode: IDBTransactionMode): Promise<IDBObjectStore> {
  return (await database).transaction(STORE, mode).objectStore(STORE)
}

/** @param onGone the browser closed it: another version wants in, or the site's data was cleared */
function openDatabase(name: string, onGone: () => void): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'key' })
  return answerOf(request).then(
    (database) => {
      database.onversionchange = () => {
        database.close()
        onGone()
      }
      database.onclose = onGone
      return database
    },
    (error: unknown) => {
      onGone()
      throw error
    },
  )
}

function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Safe on the disk, as far as the browser can say. */
function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
    transaction.onerror = () => reject(transaction.error)
  })
}

/**
 * Keeps the outbox in the browser's IndexedDB, so that requests that are not acknowledged survive a reload, a crash of the
 * tab, a closed laptop. The server knows their keys, so a late repeat gets the stored acknowledgement (D12). Two tabs may
 * share a database: what both send is still done once.
 */
import type { OutboxEntry, OutboxStorage } from './outbox.ts'

const STORE = 'outbox'

/**
 * A storage for the option `outbox.storage`.
 * @param name of the database; use one per user, since the entries of one must not be sent as another
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
      const entries = (await resultOf(store.getAll())) as OutboxEntry[]
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

/** @param onGone the browser closed it: a newer version opens it, or the site's data was cleared */
function openDatabase(name: string, onGone: () => void): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1)
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'key' })
  return resultOf(request).then(
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

function resultOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/** Resolves when the browser reports it as stored. */
function done(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error)
    transaction.onerror = () => reject(transaction.error)
  })
}

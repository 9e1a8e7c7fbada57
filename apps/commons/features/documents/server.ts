/**
 * Documents that several people write at once. `@roomful/documents` keeps them; here they are listed, made, renamed, locked
 * and deleted, and it is said who may: everyone reads, everyone writes to what is not locked. B36.
 */
import { addDocuments, type DocumentRecord } from '@roomful/documents'
import { type Roomful, RoomfulError, type User } from '@roomful/server'
import { Coalesce } from '../../coalesce.ts'
import type { Commons } from '../../commons.ts'
import { type Document, documentsContract } from './contract.ts'

const NAMESPACE = '/documents'
const PAGE = 50
/** People who have a document open; sent to everyone when one comes or leaves. */
const PEOPLE_LISTED = 50
const PEOPLE_INTERVAL_MS = 500

type Owned = Pick<DocumentRecord, 'ownerId' | 'isLocked'>

/** @param roomful the server itself: documents have a protocol of their own */
export function serveDocuments({ server, clock, random }: Commons, roomful: Roomful): void {
  const namespace = server.namespace(NAMESPACE, documentsContract)
  namespace.room('*', { allow: { publish: async (user, id) => mayWrite(user, await documents.find(id)) } })
  const documents = addDocuments(roomful, NAMESPACE)

  const find = async (documentId: string): Promise<DocumentRecord> => {
    const record = await documents.find(documentId)
    if (!record) throw new RoomfulError('NOT_FOUND', 'Document not found', { field: 'documentId' })
    return record
  }
  const describe = async ({
    id,
    title,
    ownerId,
    isLocked,
    createdAt,
    changedAt,
  }: DocumentRecord): Promise<Document> => {
    const people = (await namespace.roomUsers(id)).slice(0, PEOPLE_LISTED).map(({ userId, name }) => ({ userId, name }))
    return { documentId: id, title, ownerId, isLocked, createdAt, changedAt, people }
  }
  const tell = async (documentId: string): Promise<void> => {
    const record = await documents.find(documentId)
    if (record) namespace.emit('document:changed', await describe(record))
  }
  const people = new Coalesce(clock, PEOPLE_INTERVAL_MS, (documentId) => {
    tell(documentId).catch(() => undefined) // the store says itself what is wrong with it
  })
  namespace.hook('enter', (_user, documentId) => people.changed(documentId))
  namespace.hook('exit', (_user, documentId) => people.changed(documentId))

  namespace.on('document:list', async (_context, { before }) => {
    const page = { limit: PAGE, before: before && { id: before.documentId, changedAt: before.changedAt } }
    const records = await documents.list(page)
    return { status: 'ok', documents: await Promise.all(records.map(describe)), more: records.length === PAGE }
  })

  namespace.on('document:get', async (_context, { documentId }) => {
    return { status: 'ok', document: await describe(await find(documentId)) }
  })

  namespace.on('document:create', async ({ user, account }, { title }) => {
    const { id } = await documents.create({ id: random.id(12), title, ownerId: user.sub, account })
    await tell(id)
    return { status: 'ok', documentId: id }
  })

  namespace.on('document:rename', async ({ user }, { documentId, title }) => {
    if (!mayWrite(user, await find(documentId))) throw new RoomfulError('FORBIDDEN', 'This document is read-only')
    await documents.change(documentId, { title })
    await tell(documentId)
    return { status: 'ok' }
  })

  namespace.on('document:lock', async ({ user }, { documentId, isLocked }) => {
    checkOwner(user, await find(documentId))
    await documents.change(documentId, { isLocked })
    await tell(documentId)
    return { status: 'ok' }
  })

  namespace.on('document:delete', async ({ user }, { documentId }) => {
    checkOwner(user, await find(documentId))
    await documents.remove(documentId)
    namespace.emit('document:deleted', { documentId })
    return { status: 'ok' }
  })
}

function isOwner(user: User, { ownerId }: Owned): boolean {
  return user.sub === ownerId || user.role === 'admin'
}

/** A document that does not exist has no owner; the first writer creates it. */
function mayWrite(user: User, document: Owned | undefined): boolean {
  return !document?.isLocked || isOwner(user, document)
}

/** @throws RoomfulError FORBIDDEN */
function checkOwner(user: User, document: Owned): void {
  if (isOwner(user, document)) return
  throw new RoomfulError('FORBIDDEN', 'Only its owner or an administrator can do that')
}

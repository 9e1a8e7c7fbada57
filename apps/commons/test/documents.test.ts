/** Documents as Commons has them: made and listed by events, written by the official `y-websocket` provider. B36. */
import { connect } from '@roomful/client'
import { expect, it, onTestFinished, vi } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import type { Document, documentsContract } from '../features/documents/contract.ts'
import { serveDocuments } from '../features/documents/server.ts'
import { serveCommons, tokenOf } from './support/commons.ts'

function client(url: string, name: string, role?: string) {
  const made = connect<typeof documentsContract>(url, { namespace: '/documents', token: tokenOf(name, role) })
  onTestFinished(() => made.close())
  return made
}

async function write(
  url: string,
  documentId: string,
  name: string,
): Promise<{ text: Y.Text; provider: WebsocketProvider }> {
  const doc = new Y.Doc()
  const options = { params: { token: tokenOf(name) }, disableBc: true }
  const provider = new WebsocketProvider(`${url.replace('http', 'ws')}/yjs`, documentId, doc, options)
  onTestFinished(() => provider.destroy())
  await new Promise<void>((resolve) => provider.once('sync', () => resolve()))
  return { text: doc.getText('content'), provider }
}

it('[B36] a document is made, opened by two, renamed, locked and deleted, and everyone hears of it', async () => {
  const { url } = await serveCommons(serveDocuments)
  const [ann, ben] = [client(url, 'ann'), client(url, 'ben')]
  const changed: Document[] = []
  const deleted: string[] = []
  ben.on('document:changed', (document) => void changed.push(document))
  ben.on('document:deleted', ({ documentId }) => void deleted.push(documentId))
  expect(await ben.request('document:list', {})).toEqual({ status: 'ok', documents: [], more: false })
  const { documentId } = await ann.request('document:create', { title: ' Minutes ' })
  await vi.waitFor(() =>
    expect(changed.at(-1)).toMatchObject({ documentId, title: 'Minutes', ownerId: 'ann', people: [] }),
  )

  const [mine, theirs] = [await write(url, documentId, 'ann'), await write(url, documentId, 'ben')]
  mine.text.insert(0, 'Present: ann, ben')
  await vi.waitFor(() => expect(theirs.text.toString()).toBe('Present: ann, ben'))
  const people = [
    { userId: 'ann', name: 'ann' },
    { userId: 'ben', name: 'ben' },
  ]
  await vi.waitFor(() => expect(changed.at(-1)?.people).toEqual(people), { timeout: 5_000 })

  await ben.request('document:rename', { documentId, title: 'Minutes of May' })
  await ann.request('document:lock', { documentId, isLocked: true })
  await expect(ben.request('document:rename', { documentId, title: 'x' })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await expect(ben.request('document:delete', { documentId })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
  onTestFinished(() => warn.mockRestore())
  theirs.text.insert(0, 'Not so. ')
  mine.text.insert(0, 'True: ')
  await vi.waitFor(() => expect(warn).toHaveBeenCalled())
  await vi.waitFor(() => expect(theirs.text.toString()).toContain('True: '))
  expect(mine.text.toString()).toBe('True: Present: ann, ben')
  expect(await ben.request('document:get', { documentId })).toMatchObject({
    document: { title: 'Minutes of May', isLocked: true },
  })
  await ann.request('document:delete', { documentId })
  await vi.waitFor(() => expect(deleted).toEqual([documentId]))
  await expect(ben.request('document:get', { documentId })).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

it('[B36] an unused name is created by the first writer', async () => {
  const { url } = await serveCommons(serveDocuments)
  const ben = client(url, 'ben')
  const { text } = await write(url, 'scratch', 'ben')
  text.insert(0, 'x')
  const listed = async () => (await ben.request('document:list', {})).documents
  await vi.waitFor(async () => expect(await listed()).toMatchObject([{ documentId: 'scratch', ownerId: 'ben' }]))
})

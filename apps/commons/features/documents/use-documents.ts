/** The list of documents, kept current by what others do; asked for again whenever the connection was away. */
import { createHooks, useConnection } from '@roomful/react'
import { useCallback, useEffect, useState } from 'react'
import type { Document, documentsContract } from './contract.ts'

const { useClient: useDocumentsClient, useEvent: useDocumentsEvent } = createHooks<typeof documentsContract>()

export { useDocumentsClient }

export interface Documents {
  /** Undefined before the first answer. */
  readonly list: readonly Document[] | undefined
  readonly error: string | undefined
  readonly hasMore: boolean
  more(): Promise<void>
  reload(): void
}

export function useDocuments(): Documents {
  const client = useDocumentsClient()
  const { status } = useConnection()
  const [list, setList] = useState<readonly Document[]>()
  const [hasMore, setMore] = useState(false)
  const [error, setError] = useState<string>()
  const [attempt, setAttempt] = useState(0)

  // biome-ignore lint/correctness/useExhaustiveDependencies: an attempt is a wish to ask again
  useEffect(() => {
    if (status !== 'open') return
    let isCurrent = true
    client.request('document:list', {}).then(
      ({ documents, more }) => {
        if (!isCurrent) return
        setList(documents)
        setMore(more)
        setError(undefined)
      },
      (reason: Error) => isCurrent && setError(reason.message),
    )
    return () => {
      isCurrent = false
    }
  }, [client, status, attempt])

  useDocumentsEvent('document:changed', (changed) => setList((known) => known && withDocument(known, changed)))
  useDocumentsEvent('document:deleted', ({ documentId }) =>
    setList((known) => known?.filter((each) => each.documentId !== documentId)),
  )

  const more = useCallback(async () => {
    const last = list?.at(-1)
    if (!last) return
    const { documentId, changedAt } = last
    const answer = await client.request('document:list', { before: { documentId, changedAt } })
    setList((known) => answer.documents.reduce(withDocument, known ?? []))
    setMore(answer.more)
  }, [client, list])

  return { list, error, hasMore, more, reload: () => setAttempt((count) => count + 1) }
}

function withDocument(list: readonly Document[], document: Document): readonly Document[] {
  const others = list.filter(({ documentId }) => documentId !== document.documentId)
  return [...others, document].sort((a, b) => b.changedAt - a.changedAt)
}

/** One document as the list would have it. `null`: there is none. */
export function useDocument(documentId: string): Document | null | undefined {
  const client = useDocumentsClient()
  const { status } = useConnection()
  const [document, setDocument] = useState<Document | null>()
  useEffect(() => {
    if (status !== 'open') return
    let isCurrent = true
    client.request('document:get', { documentId }).then(
      (answer) => isCurrent && setDocument(answer.document),
      (error: { code?: string }) => isCurrent && error.code === 'NOT_FOUND' && setDocument(null),
    )
    return () => {
      isCurrent = false
    }
  }, [client, status, documentId])
  useDocumentsEvent('document:changed', (changed) => {
    if (changed.documentId === documentId) setDocument(changed)
  })
  useDocumentsEvent('document:deleted', (deleted) => {
    if (deleted.documentId === documentId) setDocument(null)
  })
  return document
}

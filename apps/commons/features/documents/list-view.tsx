/** All documents, the latest change first, with who is in them. */
import { FilePlus2, FileText, Lock, RefreshCw } from 'lucide-react'
import { type ReactElement, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { clockTime } from '../../web/chat/time.ts'
import { Button } from '../../web/ui/button.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { Loading } from '../../web/ui/spinner.tsx'
import { toastError } from '../../web/ui/toast.tsx'
import type { Document } from './contract.ts'
import { People } from './people.tsx'
import { TitleDialog } from './title-dialog.tsx'
import { useDocuments, useDocumentsClient } from './use-documents.ts'

export function ListView(): ReactElement {
  const client = useDocumentsClient()
  const documents = useDocuments()
  const [isCreating, setCreating] = useState(false)
  const [, navigate] = useLocation()
  const create = async (title: string): Promise<void> => {
    const { documentId } = await client.request('document:create', { title })
    navigate(`/${encodeURIComponent(documentId)}`)
  }
  const newButton = (
    <Button tone="primary" icon={FilePlus2} onClick={() => setCreating(true)}>
      New document
    </Button>
  )
  return (
    <PageBody>
      <PageHeader
        title="Documents"
        description="Edit together, even on the same line. Offline edits merge when you reconnect."
        actions={newButton}
      />
      <Content documents={documents} />
      <TitleDialog
        open={isCreating}
        onOpenChange={setCreating}
        heading="New document"
        submit="Create"
        onSubmit={create}
      />
    </PageBody>
  )
}

function Content({ documents }: { documents: ReturnType<typeof useDocuments> }): ReactElement {
  const { list, error, hasMore, more, reload } = documents
  if (!list && error === undefined) return <Loading what="Loading documents…" />
  if (!list) {
    const retry = (
      <Button icon={RefreshCw} onClick={reload}>
        Try again
      </Button>
    )
    return (
      <EmptyState icon={FileText} title="Couldn’t load documents" action={retry}>
        {error}
      </EmptyState>
    )
  }
  if (list.length === 0) {
    return (
      <EmptyState icon={FileText} title="No documents yet">
        Create one for notes, a plan or a poem. Everyone with an account can edit it.
      </EmptyState>
    )
  }
  return (
    <>
      <ul aria-label="Documents" className="divide-y divide-line rounded-xl border border-line bg-surface shadow-card">
        {list.map((document) => (
          <Row key={document.documentId} document={document} />
        ))}
      </ul>
      {hasMore && (
        <div className="mt-4 text-center">
          <Button onClick={() => more().catch((reason) => toastError('Couldn’t load more documents', reason))}>
            Show more
          </Button>
        </div>
      )}
    </>
  )
}

function Row({ document: { documentId, title, isLocked, changedAt, people } }: { document: Document }): ReactElement {
  return (
    <li>
      <Link
        href={`/${encodeURIComponent(documentId)}`}
        className="flex min-h-14 items-center gap-3 px-4 py-2.5 transition-colors hover:bg-ink/4"
      >
        <FileText aria-hidden size={18} className="shrink-0 text-muted" />
        <span className="min-w-0 grow">
          <span className="flex items-center gap-2">
            <span dir="auto" className="truncate font-medium">
              {title}
            </span>
            {isLocked && <Lock aria-label="Read-only" size={14} className="shrink-0 text-muted" />}
          </span>
          <span className="block text-muted text-sm">Edited {formatTime(changedAt)}</span>
        </span>
        <People people={people} label="Open now" />
      </Link>
    </li>
  )
}

const otherDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })

function formatTime(ms: number): string {
  const date = new Date(ms)
  return date.toDateString() === new Date().toDateString() ? `at ${clockTime(ms)}` : `on ${otherDay.format(date)}`
}

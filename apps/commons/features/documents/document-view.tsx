/** One document: its title and what can be done with it, who is here, whether it is saved, and its text. */
import { ArrowLeft, FileX2, Lock, LockOpen, MoreVertical, Pencil, Trash2 } from 'lucide-react'
import { type ReactElement, useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import { Link, useLocation } from 'wouter'
import { session } from '../../web/session/session.ts'
import { IconButton, LinkButton } from '../../web/ui/button.tsx'
import { Confirm } from '../../web/ui/confirm.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { reworded } from '../../web/ui/error-sentence.ts'
import { Menu, MenuItem } from '../../web/ui/menu.tsx'
import { Loading } from '../../web/ui/spinner.tsx'
import { toastError } from '../../web/ui/toast.tsx'
import type { Document } from './contract.ts'
import { Editor } from './editor.tsx'
import { People } from './people.tsx'
import { SaveState } from './save-state.tsx'
import { SharedDocument } from './shared-document.ts'
import { TitleDialog } from './title-dialog.tsx'
import { useDocument, useDocumentsClient } from './use-documents.ts'

export interface DocumentViewProps {
  readonly documentId: string
  readonly user: { readonly sub: string; readonly name: string; readonly role: string }
}

export function DocumentView({ documentId, user }: DocumentViewProps): ReactElement {
  const { sub, name } = user
  const shared = useMemo(
    () => new SharedDocument({ documentId, token: session.token, user: { sub, name } }),
    [documentId, sub, name],
  )
  const state = useSyncExternalStore(shared.subscribe, shared.getSnapshot)
  const record = useDocument(documentId)
  useEffect(() => {
    // Not at once: Strict Mode mounts twice, and a socket that is closed while it opens is an error on the console.
    const soon = setTimeout(() => shared.connect())
    return () => {
      clearTimeout(soon)
      shared.disconnect()
    }
  }, [shared])
  useLeaveWarning(!state.isSaved && state.canWrite !== false)

  if (record === null || state.link === 'ended') {
    const isGone = record === null || /removed/.test(state.refusal ?? '')
    return (
      <EmptyState
        isPage
        icon={FileX2}
        title={isGone ? 'Document not found' : 'Couldn’t open this document'}
        action={<LinkButton to="/">All documents</LinkButton>}
      >
        {isGone
          ? 'It may have been deleted, or the link is wrong.'
          : reworded(state.refusal ?? 'The server ended the connection.')}
      </EmptyState>
    )
  }
  const title = record?.title ?? 'Document'
  const isReadOnly = state.canWrite === false
  return (
    <div className="flex h-full flex-col">
      <header className="flex shrink-0 items-center gap-2 border-line border-b bg-surface px-2 py-2 sm:px-4">
        <Link
          href="/"
          aria-label="All documents"
          className="grid size-10 shrink-0 place-items-center rounded-lg hover:bg-ink/8"
        >
          <ArrowLeft aria-hidden size={18} />
        </Link>
        <div className="min-w-0 grow">
          <h1 className="truncate font-semibold text-lg leading-tight">
            <bdi>{title}</bdi>
          </h1>
          <SaveState state={state} />
        </div>
        <People people={state.others} label="Also here" />
        {record && <DocumentMenu document={record} isOwner={record.ownerId === sub || user.role === 'admin'} />}
      </header>
      {isReadOnly && (
        <p role="note" className="shrink-0 border-line border-b bg-sunken px-4 py-2 text-center text-muted text-sm">
          {record?.isLocked ? 'This document is read-only.' : 'You have read access.'}
        </p>
      )}
      <div className="min-h-0 grow bg-surface">
        {state.isLoaded ? (
          <Editor shared={shared} label={`Document: ${title}`} isReadOnly={isReadOnly} />
        ) : (
          <Loading what="Opening document…" />
        )}
      </div>
    </div>
  )
}

/** A tab that is closed takes with it what the server does not have yet. */
function useLeaveWarning(isNeeded: boolean): void {
  useEffect(() => {
    if (!isNeeded) return
    const warn = (event: BeforeUnloadEvent): void => event.preventDefault()
    addEventListener('beforeunload', warn)
    return () => removeEventListener('beforeunload', warn)
  }, [isNeeded])
}

function DocumentMenu({ document, isOwner }: { document: Document; isOwner: boolean }): ReactElement {
  const client = useDocumentsClient()
  const [, navigate] = useLocation()
  const [asked, setAsked] = useState<'title' | 'delete'>()
  const { documentId, title, isLocked } = document
  const lock = (): void => {
    client
      .request('document:lock', { documentId, isLocked: !isLocked })
      .catch((error: unknown) =>
        toastError(isLocked ? 'Couldn’t unlock the document' : 'Couldn’t make it read-only', error),
      )
  }
  const remove = (): void => {
    client.request('document:delete', { documentId }).then(
      () => navigate('/'),
      (error: unknown) => toastError('Couldn’t delete the document', error),
    )
  }
  const rename = async (next: string): Promise<void> => {
    await client.request('document:rename', { documentId, title: next })
  }
  return (
    <>
      <Menu trigger={<IconButton icon={MoreVertical} label="More actions" />}>
        <MenuItem icon={Pencil} disabled={isLocked && !isOwner} onSelect={() => setAsked('title')}>
          Rename…
        </MenuItem>
        {isOwner && (
          <MenuItem icon={isLocked ? LockOpen : Lock} onSelect={lock}>
            {isLocked ? 'Allow editing' : 'Make read-only'}
          </MenuItem>
        )}
        {isOwner && (
          <MenuItem icon={Trash2} danger onSelect={() => setAsked('delete')}>
            Delete…
          </MenuItem>
        )}
      </Menu>
      <TitleDialog
        open={asked === 'title'}
        onOpenChange={() => setAsked(undefined)}
        heading="Rename document"
        submit="Rename"
        title={title}
        onSubmit={rename}
      />
      <Confirm
        open={asked === 'delete'}
        onOpenChange={() => setAsked(undefined)}
        title={`Delete “${title}”?`}
        description="It’s deleted for everyone. This can’t be undone."
        action="Delete"
        icon={Trash2}
        onConfirm={remove}
      />
    </>
  )
}

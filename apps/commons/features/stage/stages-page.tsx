/** What there is to watch, and how one makes one's own. */
import { useClient } from '@roomful/react'
import { EllipsisVertical, Plus, Presentation, Trash2, Users } from 'lucide-react'
import { type FormEvent, type ReactElement, useEffect, useState } from 'react'
import { AwayNote } from '../../web/live/away.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { useMe } from '../../web/session/use-me.ts'
import { Button, IconButton } from '../../web/ui/button.tsx'
import { Card } from '../../web/ui/card.tsx'
import { Confirm } from '../../web/ui/confirm.tsx'
import { Actions, Cancel, Dialog } from '../../web/ui/dialog.tsx'
import { Field, TextArea } from '../../web/ui/field.tsx'
import { Menu, MenuItem } from '../../web/ui/menu.tsx'
import { PageBody, PageHeader } from '../../web/ui/page.tsx'
import { toastError } from '../../web/ui/toast.tsx'
import type { Slide, StageSummary, stageContract } from './contract.ts'
import { readSlides } from './slides-text.ts'

export function StagesPage({ onOpen }: { onOpen: (stageId: string) => void }): ReactElement {
  const client = useClient<typeof stageContract>()
  const me = useMe()
  const {
    data: stages,
    error,
    change,
    reload,
  } = useLoaded<readonly StageSummary[]>(async () => (await client.request('stage:list')).stages)
  const [isMaking, setMaking] = useState(false)
  const [deleting, setDeleting] = useState<Pick<StageSummary, 'stageId' | 'title'>>()

  useEffect(() => client.on('stage:changed', (stage) => change((all) => put(all, stage))), [client, change])
  useEffect(
    () =>
      client.on('stage:deleted', ({ stageId }) => change((all) => all.filter((stage) => stage.stageId !== stageId))),
    [client, change],
  )

  const create = async (title: string, slides: readonly Slide[]): Promise<void> => {
    try {
      const { stageId } = await client.request('stage:create', { title, slides: [...slides] }, { durable: true })
      onOpen(stageId)
    } catch (refused) {
      toastError('Couldn’t create the presentation', refused)
    }
  }
  const remove = (stageId: string): void => {
    client.request('stage:delete', { stageId }).then(
      () => change((all) => all.filter((stage) => stage.stageId !== stageId)),
      (refused: unknown) => toastError('Couldn’t delete the presentation', refused),
    )
  }

  return (
    <PageBody>
      <PageHeader
        title="Stage"
        description="Present slides to everyone live, and watch reactions float by."
        actions={
          <Button tone="primary" icon={Plus} onClick={() => setMaking(true)}>
            New presentation
          </Button>
        }
      />
      {stages === undefined ? (
        <NotLoaded what="presentations" error={error} onRetry={reload} />
      ) : (
        <ul aria-label="Presentations" className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          {stages.map(({ stageId, title, name, userId, count, audience }) => (
            <li key={stageId}>
              <Card className="flex h-full items-center gap-3 p-4">
                <span className="grid size-10 shrink-0 place-items-center rounded-xl bg-accent-soft text-accent-strong">
                  <Presentation aria-hidden size={20} />
                </span>
                <div className="min-w-0 grow">
                  <h2 dir="auto" className="truncate font-medium">
                    {title}
                  </h2>
                  <p className="flex flex-wrap gap-x-3 text-muted text-sm">
                    <bdi>{name}</bdi>
                    <span>{count === 1 ? '1 slide' : `${count} slides`}</span>
                    {audience > 0 && (
                      <span className="inline-flex items-center gap-1 tabular-nums">
                        <Users aria-hidden size={13} />
                        {audience} watching
                      </span>
                    )}
                  </p>
                </div>
                <Button size="small" onClick={() => onOpen(stageId)} aria-label={`Open ${title}`}>
                  Open
                </Button>
                {(userId === me?.sub || me?.role === 'admin') && (
                  <Menu trigger={<IconButton icon={EllipsisVertical} size="small" label={`Actions for ${title}`} />}>
                    <MenuItem icon={Trash2} danger onSelect={() => setDeleting({ stageId, title })}>
                      Delete…
                    </MenuItem>
                  </Menu>
                )}
              </Card>
            </li>
          ))}
        </ul>
      )}
      <Dialog open={isMaking} onOpenChange={setMaking} title="New presentation" className="max-w-xl">
        <SlidesForm onSubmit={create} />
      </Dialog>
      <Confirm
        open={deleting !== undefined}
        onOpenChange={() => setDeleting(undefined)}
        title={`Delete “${deleting?.title ?? ''}”?`}
        description="It ends for everyone who’s watching. This can’t be undone."
        action="Delete"
        icon={Trash2}
        onConfirm={() => {
          if (deleting) remove(deleting.stageId)
          setDeleting(undefined)
        }}
      />
    </PageBody>
  )
}

function SlidesForm({
  onSubmit,
}: {
  onSubmit: (title: string, slides: readonly Slide[]) => Promise<void>
}): ReactElement {
  const [title, setTitle] = useState('')
  const [text, setText] = useState('')
  const [errors, setErrors] = useState<{ title?: string; text?: string }>({})
  const [isBusy, setBusy] = useState(false)
  const handleSubmit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const slides = readSlides(text)
    const wrong = {
      ...(title.trim() === '' ? { title: 'Enter a title' } : {}),
      ...(typeof slides === 'string' ? { text: slides } : {}),
    }
    setErrors(wrong)
    if (typeof slides === 'string' || Object.keys(wrong).length > 0) return
    setBusy(true)
    await onSubmit(title.trim(), slides)
    setBusy(false)
  }
  return (
    <form onSubmit={(event) => void handleSubmit(event)} className="flex flex-col gap-4">
      <Field
        label="Title"
        value={title}
        maxLength={120}
        dir="auto"
        autoComplete="off"
        error={errors.title}
        onChange={({ target }) => setTitle(target.value)}
      />
      <TextArea
        label="Slides"
        hint="Start each slide with its title. Leave an empty line between slides."
        rows={9}
        placeholder={'Why ferns\nThey like it dark\nThey forgive\n\nHow to water them\nOften, and little'}
        value={text}
        dir="auto"
        error={errors.text}
        onChange={({ target }) => setText(target.value)}
      />
      <AwayNote />
      <Actions>
        <Cancel />
        <Button type="submit" tone="primary" busy={isBusy}>
          Start presenting
        </Button>
      </Actions>
    </form>
  )
}

/** In its place if it is there, else in front: the newest comes first. */
function put(stages: readonly StageSummary[], stage: StageSummary): readonly StageSummary[] {
  if (!stages.some(({ stageId }) => stageId === stage.stageId)) return [stage, ...stages]
  return stages.map((each) => (each.stageId === stage.stageId ? stage : each))
}

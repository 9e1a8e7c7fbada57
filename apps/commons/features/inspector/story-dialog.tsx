/** What became of one connection, from its beginning to its end. */
import clsx from 'clsx'
import { MessageCircleQuestionMark, RefreshCw } from 'lucide-react'
import type { ReactElement } from 'react'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { useLoaded } from '../../web/live/use-loaded.ts'
import { Button } from '../../web/ui/button.tsx'
import { Actions, Dialog } from '../../web/ui/dialog.tsx'
import { roleName } from './administration.ts'
import { exactTime } from './exact-time.ts'
import { readStory, type Story } from './inspection.ts'
import { stepsOf } from './story-steps.ts'

export interface StoryDialogProps {
  /** Of the connection; none closes it. */
  readonly connectionId: string | undefined
  readonly onClose: () => void
  /** Where one can ask about it, besides here. */
  readonly onExplain?: (about: { namespace: string; who: string }) => void
}

export function StoryDialog({ connectionId, onClose, onExplain }: StoryDialogProps): ReactElement {
  return (
    <Dialog
      open={connectionId !== undefined}
      onOpenChange={(open) => !open && onClose()}
      title="Connection history"
      className="sm:max-w-2xl"
    >
      {connectionId !== undefined && <History key={connectionId} connectionId={connectionId} onExplain={onExplain} />}
    </Dialog>
  )
}

interface HistoryProps {
  readonly connectionId: string
  readonly onExplain: StoryDialogProps['onExplain'] | undefined
}

function History({ connectionId, onExplain }: HistoryProps): ReactElement {
  const { data: story, error, reload } = useLoaded(() => readStory(connectionId), connectionId)
  if (!story) return <NotLoaded what="connection history" error={error} onRetry={reload} />
  const { namespace } = story.connection
  return (
    <>
      <Facts connection={story.connection} />
      <Steps story={story} />
      {error && (
        <p role="alert" className="mt-3 text-bad text-sm">
          {error.message}
        </p>
      )}
      <Actions>
        {!story.ending && (
          <Button icon={RefreshCw} onClick={reload}>
            Refresh
          </Button>
        )}
        {onExplain && (
          <Button icon={MessageCircleQuestionMark} onClick={() => onExplain({ namespace, who: connectionId })}>
            Explain an event
          </Button>
        )}
      </Actions>
    </>
  )
}

function Facts({ connection }: Pick<Story, 'connection'>): ReactElement {
  const { connectionId, userId, name, role, namespace, ip, userAgent } = connection
  const facts = [
    ['User', `${name} (${userId}), ${roleName(role)}`],
    ['Connection', connectionId],
    ['Namespace', `${namespace} from ${ip}`],
    ['Client', userAgent || 'No user agent'],
  ] as const
  return (
    <dl className="mb-4 grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-sm">
      {facts.map(([term, text]) => (
        <div key={term} className="col-span-2 grid grid-cols-subgrid">
          <dt className="text-muted">{term}</dt>
          <dd className={clsx('break-words', term === 'Connection' && 'break-all font-mono text-xs leading-5')}>
            <bdi>{text}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Steps({ story }: { story: Story }): ReactElement {
  const [first, ...rest] = stepsOf(story)
  return (
    <ol aria-label="Steps" className="border-line border-l">
      {first && <StepRow {...first} />}
      {story.forgotten > 0 && (
        <li className="py-1.5 pl-5 text-muted text-sm">
          {story.forgotten === 1 ? '1 older entry was' : `${story.forgotten} older entries were`} dropped
        </li>
      )}
      {rest.map((each, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: steps are only added at the end
        <StepRow key={index} {...each} />
      ))}
      {!story.ending && <li className="py-1.5 pl-5 text-muted text-sm">Still open</li>}
    </ol>
  )
}

function StepRow({ at, sentence, isTrouble }: ReturnType<typeof stepsOf>[number]): ReactElement {
  return (
    <li className="relative py-1.5 pl-5 text-sm sm:flex sm:gap-4">
      <span
        aria-hidden
        className={clsx('absolute top-3 -left-1 size-2 rounded-full', isTrouble ? 'bg-warn' : 'bg-edge')}
      />
      <time dateTime={new Date(at).toISOString()} className="block shrink-0 text-muted tabular-nums sm:w-36">
        {exactTime.format(at)}
      </time>
      <span className={clsx('min-w-0 break-words', isTrouble && 'font-medium text-warn')}>{sentence}</span>
    </li>
  )
}

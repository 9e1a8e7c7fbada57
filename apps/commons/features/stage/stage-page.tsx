/** A presentation while it is shown. The presenter turns with the buttons or the arrow keys. B22. */
import { ArrowLeft, ChevronLeft, ChevronRight, Presentation as PresentationIcon, Users } from 'lucide-react'
import { type ReactElement, useEffect } from 'react'
import { useIsAway } from '../../web/live/away.tsx'
import { NotLoaded } from '../../web/live/not-loaded.tsx'
import { Button, IconButton } from '../../web/ui/button.tsx'
import { EmptyState } from '../../web/ui/empty-state.tsx'
import { toast } from '../../web/ui/toast.tsx'
import type { Slide } from './contract.ts'
import { ReactionBar, useReactions } from './reactions.tsx'
import { useStage } from './use-stage.ts'

export interface StagePageProps {
  readonly stageId: string
  readonly onLeave: () => void
}

export function StagePage({ stageId, onLeave }: StagePageProps): ReactElement {
  const handleDeleted = (): void => {
    toast('This presentation was deleted')
    onLeave()
  }
  const { stage, error, reload, audience, mayTurn, show, room } = useStage(stageId, handleDeleted)
  const { canvas, counts, react } = useReactions(room)
  const index = stage?.index ?? 0
  useArrowKeys(mayTurn, (step) => show(index + step))
  const slide = stage?.slides[index]
  if (!stage && error?.code === 'NOT_FOUND') {
    const action = <Button onClick={onLeave}>All presentations</Button>
    return (
      <EmptyState isPage icon={PresentationIcon} title="Presentation not found" action={action}>
        It may have been deleted, or the link is wrong.
      </EmptyState>
    )
  }

  return (
    <div className="flex h-full flex-col gap-3 p-3 sm:p-5">
      <header className="flex items-center gap-3">
        <IconButton icon={ArrowLeft} label="All presentations" onClick={onLeave} />
        <div className="min-w-0 grow">
          <h1 dir="auto" className="truncate font-semibold">
            {stage?.title ?? 'Presentation'}
          </h1>
          {stage && (
            <p className="truncate text-muted text-sm">
              <bdi>{stage.name}</bdi>
            </p>
          )}
        </div>
        <span role="status" className="inline-flex shrink-0 items-center gap-1.5 text-muted text-sm tabular-nums">
          <Audience count={audience} />
        </span>
      </header>
      <div className="relative min-h-0 grow overflow-hidden rounded-2xl border border-line bg-surface shadow-card">
        {slide ? <SlideView slide={slide} /> : <NotLoaded what="the presentation" error={error} onRetry={reload} />}
        <canvas ref={canvas} aria-hidden className="pointer-events-none absolute inset-0 size-full" />
      </div>
      <footer className="flex flex-wrap items-center justify-between gap-3">
        <div className="flex items-center gap-2">
          {mayTurn && (
            <Button icon={ChevronLeft} disabled={index === 0} onClick={() => show(index - 1)}>
              Previous
            </Button>
          )}
          <span className="px-1 text-muted text-sm tabular-nums">
            {stage ? `${index + 1} of ${stage.slides.length}` : ''}
          </span>
          {mayTurn && stage && (
            <Button
              icon={ChevronRight}
              tone="primary"
              disabled={index === stage.slides.length - 1}
              onClick={() => show(index + 1)}
            >
              Next
            </Button>
          )}
        </div>
        {/* There from the start: what floats is drawn as its buttons are. */}
        <div className={stage ? undefined : 'invisible'}>
          <ReactionBar counts={counts} onReact={react} />
        </div>
      </footer>
    </div>
  )
}

/** How many watch. A presenter who is offline does not know, and turns slides that no one sees. */
function Audience({ count }: { count: number }): ReactElement {
  if (useIsAway()) return <span className="text-warn">Offline</span>
  return (
    <>
      <Users aria-hidden size={15} />
      {count} watching
    </>
  )
}

function SlideView({ slide: { title, lines } }: { slide: Slide }): ReactElement {
  return (
    // Read aloud when it is turned.
    <section aria-label="Slide" aria-live="polite" className="@container h-full overflow-y-auto">
      <div className="flex min-h-full flex-col justify-center gap-[4cqw] p-[7cqw]">
        <h2
          dir="auto"
          className="text-balance font-semibold text-[clamp(2rem,6cqw,4.5rem)] leading-tight tracking-tight"
        >
          {title}
        </h2>
        {lines.length > 0 && (
          <ul className="flex flex-col gap-[2cqw] text-[clamp(1.25rem,2.8cqw,2rem)] text-muted leading-snug">
            {lines.map((line, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: lines of a slide stay where they are
              <li key={at} dir="auto">
                {line}
              </li>
            ))}
          </ul>
        )}
      </div>
    </section>
  )
}

function useArrowKeys(isWanted: boolean, turn: (step: number) => void): void {
  useEffect(() => {
    if (!isWanted) return
    const handleKey = ({ key, target }: KeyboardEvent): void => {
      if (target instanceof HTMLElement && target.matches('input, textarea, select')) return
      if (key === 'ArrowRight' || key === 'PageDown') turn(1)
      if (key === 'ArrowLeft' || key === 'PageUp') turn(-1)
    }
    globalThis.addEventListener('keydown', handleKey)
    return () => globalThis.removeEventListener('keydown', handleKey)
  })
}

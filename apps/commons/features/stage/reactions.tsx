/** The reactions of everyone, floating over the slide, and the buttons that send one's own. B22. */
import type { Room, WithChat } from '@roomful/client'
import { Hand, Heart, type LucideIcon, PartyPopper, ThumbsUp } from 'lucide-react'
import { type ReactElement, useEffect, useRef, useState } from 'react'
import { useMediaQuery } from '../../web/ui/use-media-query.ts'
import type { stageContract } from './contract.ts'
import { Floaters } from './floaters.ts'

export interface Reaction {
  readonly emoji: string
  readonly name: string
  readonly icon: LucideIcon
  /** Dark enough for a white icon. */
  readonly colour: string
}

const REACTIONS: readonly Reaction[] = [
  { emoji: '👍', name: 'Thumbs up', icon: ThumbsUp, colour: '#0f766e' },
  { emoji: '❤️', name: 'Heart', icon: Heart, colour: '#c8324b' },
  { emoji: '👏', name: 'Applause', icon: Hand, colour: '#b45309' },
  { emoji: '🎉', name: 'Celebrate', icon: PartyPopper, colour: '#7c4ddb' },
]
/** A finger is quicker than the limit of events a second allows; the screen shows them all. */
const SEND_INTERVAL_MS = 125

type StageRoom = Room<WithChat<typeof stageContract>>

/** Draws what floats; a count of what came stands in for it where motion is not wanted. */
export function useReactions(room: StageRoom | undefined): {
  readonly canvas: React.RefObject<HTMLCanvasElement | null>
  readonly counts: ReadonlyMap<string, number>
  readonly react: (emoji: string) => void
} {
  const canvas = useRef<HTMLCanvasElement>(null)
  const floaters = useRef<Floaters>(undefined)
  const counts = useRef(new Map<string, number>())
  const [shown, setShown] = useState<ReadonlyMap<string, number>>(new Map())
  const isStill = useMediaQuery('(prefers-reduced-motion: reduce)')
  const still = useRef(isStill)
  still.current = isStill
  const lastSent = useRef(0)

  useEffect(() => {
    const element = canvas.current
    if (!element) return
    floaters.current = new Floaters(element, looksOf())
    return () => floaters.current?.close()
  }, [])

  const add = (emoji: string): void => {
    counts.current.set(emoji, (counts.current.get(emoji) ?? 0) + 1)
    if (!still.current) floaters.current?.add(emoji)
  }
  const latest = useRef(add)
  latest.current = add

  useEffect(
    () =>
      room?.on('reaction:new', ({ emoji }) => {
        if (REACTIONS.some((reaction) => reaction.emoji === emoji)) latest.current(emoji)
      }),
    [room],
  )
  // The numbers change as often as one can read them, not as often as reactions come.
  useEffect(() => {
    const timer = setInterval(() => {
      setShown((before) => (isSame(before, counts.current) ? before : new Map(counts.current)))
    }, 250)
    return () => clearInterval(timer)
  }, [])

  const react = (emoji: string): void => {
    const now = performance.now()
    if (now - lastSent.current < SEND_INTERVAL_MS) return void (still.current || floaters.current?.add(emoji))
    lastSent.current = now
    room?.react(emoji).catch(() => undefined) // a lost reaction does no harm
  }
  return { canvas, counts: shown, react }
}

export function ReactionBar({
  counts,
  onReact,
}: {
  counts: ReadonlyMap<string, number>
  onReact: (emoji: string) => void
}): ReactElement {
  return (
    <ul aria-label="Reactions" className="flex flex-wrap justify-center gap-2">
      {REACTIONS.map(({ emoji, name, icon: Icon }) => {
        const count = counts.get(emoji) ?? 0
        return (
          <li key={emoji}>
            <button
              type="button"
              data-reaction={emoji}
              aria-label={count === 0 ? name : `${name}, ${count}`}
              onClick={() => onReact(emoji)}
              className="flex h-11 items-center gap-2 rounded-full border border-line bg-raised px-4 font-medium text-sm tabular-nums shadow-card transition-transform hover:border-accent active:scale-90"
            >
              <Icon aria-hidden size={18} className="text-accent" />
              {count > 0 && <span aria-hidden>{count}</span>}
            </button>
          </li>
        )
      })}
    </ul>
  )
}

/** As the buttons show them. */
function looksOf(): Map<string, { svg: SVGElement; colour: string }> {
  return new Map(
    REACTIONS.flatMap(({ emoji, colour }) => {
      const svg = document.querySelector<SVGElement>(`[data-reaction="${emoji}"] svg`)
      return svg ? [[emoji, { svg, colour }]] : []
    }),
  )
}

function isSame(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...b].every(([key, count]) => a.get(key) === count)
}

/** A person as a coloured circle with a letter: the same person has the same colour everywhere. */
import clsx from 'clsx'
import type { ReactElement } from 'react'

export type PresenceStatus = 'online' | 'reconnecting' | 'offline'

const SIZES = { small: 'size-6 text-2xs', medium: 'size-9 text-sm', large: 'size-14 text-xl' } as const
/** Dark enough for white letters in either theme. */
const COLOURS = [
  'bg-[#0f766e]',
  'bg-[#1d6fa5]',
  'bg-[#5b5bd6]',
  'bg-[#8e4ec6]',
  'bg-[#b4367f]',
  'bg-[#c2410c]',
  'bg-[#8a6100]',
  'bg-[#3f7d20]',
]
const STATUS_CLASSES: Readonly<Record<PresenceStatus, string>> = {
  online: 'bg-good',
  reconnecting: 'bg-warn',
  offline: 'border-2 border-edge bg-surface',
}

export interface AvatarProps {
  /** Decides the colour. */
  readonly id: string
  readonly name: string
  readonly size?: keyof typeof SIZES
  /** Shown as a dot; say it in words too. */
  readonly status?: PresenceStatus | undefined
}

export function Avatar({ id, name, size = 'medium', status }: AvatarProps): ReactElement {
  return (
    <span aria-hidden className="relative inline-flex shrink-0">
      <span
        className={clsx(
          'grid select-none place-items-center rounded-full font-semibold text-white',
          SIZES[size],
          COLOURS[hash(id) % COLOURS.length],
        )}
      >
        {initialOf(name)}
      </span>
      {status !== undefined && (
        <span
          className={clsx(
            'absolute -right-0.5 -bottom-0.5 rounded-full ring-2 ring-surface',
            size === 'small' ? 'size-2' : 'size-3',
            STATUS_CLASSES[status],
          )}
        />
      )}
    </span>
  )
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** What a reader takes for the first letter, be it an emoji of seven code points. */
function initialOf(name: string): string {
  const [first] = segmenter.segment(name.trim())
  return first?.segment.toLocaleUpperCase() ?? '?'
}

function hash(text: string): number {
  let value = 0
  for (const character of text) value = (value * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return value
}

/** Who is writing, in words, in a line that is always there, so that nothing jumps. B19. */
import type { Typist } from '@roomful/client'
import type { ReactElement } from 'react'

export function TypingLine({ typists }: { typists: readonly Typist[] }): ReactElement {
  return (
    <p aria-live="polite" dir="auto" className="h-6 truncate px-4 text-muted text-xs leading-6 sm:px-6">
      {typingSentence(typists.map(({ name }) => name))}
    </p>
  )
}

/** `Ann is typing…`, `Ann, Bob are typing…`, `Ann, Bob and 3 others are typing…` */
function typingSentence(names: readonly string[]): string {
  const [first = '', second] = names
  if (names.length === 0) return ''
  if (second === undefined) return `${first} is typing…`
  if (names.length <= 3) return `${names.join(', ')} are typing…`
  return `${first}, ${second} and ${names.length - 2} others are typing…`
}

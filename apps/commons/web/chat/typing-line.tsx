/** Who is typing, in a line that is always there, so that nothing jumps. B19. */
import type { Typist } from '@roomful/client'
import { Fragment, type ReactElement, type ReactNode } from 'react'

export function TypingLine({ typists }: { typists: readonly Typist[] }): ReactElement {
  return (
    <p aria-live="polite" className="h-6 truncate px-4 text-muted text-xs leading-6 sm:px-6">
      {typingSentence(typists.map(({ name }) => name))}
    </p>
  )
}

/** `Ann is typing…`, `Ann and Bob are typing…`, `Ann, Bob and 3 others are typing…` */
function typingSentence(names: readonly string[]): ReactNode {
  if (names.length === 0) return null
  if (names.length === 1) return <>{listed(names, true)} is typing…</>
  if (names.length <= 3) return <>{listed(names, true)} are typing…</>
  return (
    <>
      {listed(names.slice(0, 2), false)} and {names.length - 2} others are typing…
    </>
  )
}

/** @param isWhole nothing follows: the last one is joined by `and` */
function listed(names: readonly string[], isWhole: boolean): ReactElement[] {
  return names.map((name, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: two people may have one name
    <Fragment key={index}>
      {index > 0 && (index === names.length - 1 && isWhole ? ' and ' : ', ')}
      <bdi>{name}</bdi>
    </Fragment>
  ))
}

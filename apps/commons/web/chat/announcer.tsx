/** Announces new messages of others to screen readers, once; older ones that are loaded by scrolling are not announced. */
import type { Message } from '@roomful/react'
import { type ReactElement, useEffect, useRef, useState } from 'react'

export function Announcer({
  messages,
  ownId,
}: {
  messages: readonly Message[]
  ownId: string | undefined
}): ReactElement {
  const last = messages.findLast((message) => message.status === 'sent')
  const announced = useRef<number>(undefined)
  const [words, setWords] = useState('')
  useEffect(() => {
    if (last?.status !== 'sent') return
    const isNews = announced.current !== undefined && last.seq > announced.current
    announced.current = last.seq
    if (isNews && last.userId !== ownId && !last.isRedacted) setWords(`${last.name}: ${last.content}`)
  }, [last, ownId])
  return (
    <p aria-live="polite" className="sr-only">
      {words}
    </p>
  )
}

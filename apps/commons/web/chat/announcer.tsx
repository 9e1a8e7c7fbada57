/** Reads aloud what others say, once, to who listens rather than looks; what scrolls by is not read again. */
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
  const heard = useRef<number>(undefined)
  const [words, setWords] = useState('')
  useEffect(() => {
    if (last?.status !== 'sent') return
    const isNews = heard.current !== undefined && last.seq > heard.current
    heard.current = last.seq
    if (isNews && last.userId !== ownId && !last.isRedacted) setWords(`${last.name}: ${last.content}`)
  }, [last, ownId])
  return (
    <p aria-live="polite" className="sr-only">
      {words}
    </p>
  )
}

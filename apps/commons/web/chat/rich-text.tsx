/** A user's text: keeps line breaks, turns addresses into links, and never renders HTML. C19. */
import { memo } from 'react'
import { toParts } from './link-parts.ts'

export const RichText = memo(function RichText({ text }: { text: string }) {
  return (
    <p dir="auto" className="whitespace-pre-wrap break-words [overflow-wrap:anywhere]">
      {toParts(text).map(({ text: part, href }, index) =>
        href === undefined ? (
          part
        ) : (
          <a
            // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text never move
            key={index}
            href={href}
            target="_blank"
            rel="noopener noreferrer nofollow ugc"
            className="text-accent underline decoration-accent/40 underline-offset-2 hover:decoration-accent"
          >
            {part}
          </a>
        ),
      )}
    </p>
  )
})

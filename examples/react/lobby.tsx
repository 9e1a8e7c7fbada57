/** What both pages show; where it comes from is theirs. */
import { useState } from 'react'

export const ROOM = 'lobby'

export interface LobbyProps {
  readonly connection: string
  readonly members: readonly string[]
  readonly messages: readonly { readonly key: string; readonly name: string; readonly content: string }[]
  readonly send: (content: string) => void
}

export function Lobby({ connection, members, messages, send }: LobbyProps) {
  const [text, setText] = useState('')
  return (
    <main>
      <h1>Lobby</h1>
      <p role="status">
        {connection}, here: {members.toSorted().join(', ')}
      </p>
      <ol>
        {messages.map(({ key, name, content }) => (
          <li key={key}>
            <b>{name}</b>: {content}
          </li>
        ))}
      </ol>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (text.trim() !== '') send(text)
          setText('')
        }}
      >
        <input aria-label="Message" value={text} onChange={(event) => setText(event.target.value)} />{' '}
        <button type="submit">Send</button>
      </form>
    </main>
  )
}

/** `?name=Ann`. */
export const visitorName = (): string => new URLSearchParams(location.search).get('name') ?? 'Somebody'

import { useConnection, useMessages, usePresence, useTyping } from '@roomful/react'
import { type FormEvent, useState } from 'react'

/** One room: who is here, what was said, and a field to say something. */
export function Chat({ roomId }: { roomId: string }) {
  const { status } = useConnection()
  const { members } = usePresence(roomId)
  const { messages, send, retry, hasMore, loading, loadOlder } = useMessages(roomId)
  const { typists, typing } = useTyping(roomId)
  const [content, setContent] = useState('')

  function submit(event: FormEvent) {
    event.preventDefault()
    if (content.trim() === '') return
    send(content) // in the list at once, and kept until it is stored
    setContent('')
  }

  return (
    <main>
      <h1>Chat</h1>
      <p role="status">{status === 'open' ? `Here: ${members.map(({ name }) => name).join(', ')}` : 'Connecting…'}</p>
      {hasMore && loading !== 'first' && (
        <button type="button" onClick={loadOlder}>
          Older messages
        </button>
      )}
      <ol>
        {messages.map((message) => (
          <li key={message.localId}>
            <b>{message.name}</b> {message.content} {message.status === 'pending' && '…'}
            {message.status === 'failed' && (
              <button type="button" onClick={() => retry(message.localId)}>
                Not sent: try again
              </button>
            )}
          </li>
        ))}
      </ol>
      <form onSubmit={submit}>
        <label>
          Message{' '}
          <input
            value={content}
            onChange={({ target }) => {
              setContent(target.value)
              typing()
            }}
          />
        </label>
        <button type="submit">Send</button>
      </form>
      <p>{typists.length > 0 && `${typists.map(({ name }) => name).join(', ')} is writing…`}</p>
    </main>
  )
}

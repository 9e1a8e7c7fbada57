import { type Message, useConnection, useMessages, useMessageText, usePresence } from '@roomful/react'
import { type FormEvent, useState } from 'react'

/** One room, in which people ask, and answers grow for everyone. */
export function Assistant({ roomId }: { roomId: string }) {
  const { status } = useConnection()
  const { members } = usePresence(roomId)
  const { messages, send, retry, stop, hasMore, loading, loadOlder } = useMessages(roomId)
  const [question, setQuestion] = useState('')

  function submit(event: FormEvent) {
    event.preventDefault()
    if (question.trim() === '') return
    send(question) // in the list at once, and kept until it is stored
    setQuestion('')
  }

  return (
    <main>
      <h1>Assistant</h1>
      <p role="status">{status === 'open' ? `Here: ${members.map(({ name }) => name).join(', ')}` : 'Connecting…'}</p>
      {hasMore && loading !== 'first' && (
        <button type="button" onClick={loadOlder}>
          Older messages
        </button>
      )}
      <ol>
        {messages.map((message) => (
          <li key={message.localId}>
            <b>{message.name}</b> <Text roomId={roomId} message={message} />{' '}
            {message.status === 'sent' && message.state === 'streaming' && (
              <button type="button" onClick={() => stop(message.seq).catch(console.error)}>
                Stop
              </button>
            )}
            {message.status === 'sent' && message.state === 'cancelled' && '(stopped)'}
            {message.status === 'sent' && message.state === 'interrupted' && '(interrupted)'}
            {message.status === 'pending' && '…'}
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
          Question <input value={question} onChange={({ target }) => setQuestion(target.value)} />
        </label>
        <button type="submit">Ask</button>
      </form>
    </main>
  )
}

/** Renders with each piece of an answer, and the list does not. */
function Text({ roomId, message }: { roomId: string; message: Message }) {
  return useMessageText(roomId, message)
}

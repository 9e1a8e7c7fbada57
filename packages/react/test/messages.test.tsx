// @vitest-environment happy-dom
/** `useMessages` in a page under Strict Mode, against a real server: history, what waits, what was refused, what changed. */

import { messagesOf } from '@roomful/client/messages'
import { act, screen, waitFor } from '@testing-library/react'
import type { ReactElement } from 'react'
import { expect, it, onTestFinished } from 'vitest'
import {
  type Message,
  type MessageActions,
  type MessagesSnapshot,
  useConnection,
  useMessages,
  useMessageText,
} from '../src/index.ts'
import { type App, cutLinks, startApp } from './support/app.tsx'

type Shown = MessagesSnapshot & MessageActions

/** The messages of the lobby on Ann's page, as they are now. */
async function showMessages(app: App): Promise<{ readonly current: Shown; lines(): string[] }> {
  const view = {} as { current: Shown }
  function Messages(): ReactElement {
    view.current = useMessages('lobby')
    return <p>connection: {useConnection().status}</p>
  }
  app.show('Ann', <Messages />)
  await waitFor(() => expect(view.current.loading).toBeUndefined())
  return {
    get current() {
      return view.current
    },
    lines: () => view.current.messages.map(line),
  }
}

function line(message: Message): string {
  const { name, content, status } = message
  return `${name}: ${content}${status === 'sent' ? '' : ` (${status})`}`
}

it('history comes from the latest backwards, page by page, and each message once', async () => {
  const app = await startApp()
  const bob = app.visitor('Bob').room('lobby')
  for (let i = 1; i <= 250; i++) await bob.send(`#${i}`)
  const messages = await showMessages(app)
  expect(messages.lines()).toHaveLength(100)
  expect(messages.current.hasMore).toBe(true)
  act(() => {
    messages.current.loadOlder()
    messages.current.loadOlder() // while the first is under way
  })
  await waitFor(() => expect(messages.lines()).toHaveLength(200))
  act(() => messages.current.loadOlder())
  await waitFor(() => expect(messages.lines()).toHaveLength(250))
  expect(messages.lines()).toEqual(Array.from({ length: 250 }, (_, i) => `Bob: #${i + 1}`))
  expect(messages.current.hasMore).toBe(false)
})

it('what is sent is there at once, stays itself when it is stored, and is there once', async () => {
  const app = await startApp()
  const messages = await showMessages(app)
  act(() => messages.current.send('hello'))
  expect(messages.lines()).toEqual(['Ann: hello (pending)'])
  const [{ localId } = { localId: '' }] = messages.current.messages
  await waitFor(() => expect(messages.lines()).toEqual(['Ann: hello']))
  expect(messages.current.messages[0]).toMatchObject({ localId, seq: 1, id: 'lobby-1' })
})

it('[C18] what is said without a connection waits, and arrives when there is one', async () => {
  const app = await startApp()
  const messages = await showMessages(app)
  act(() => cutLinks(app, 'Ann'))
  await screen.findByText('connection: waiting')
  act(() => messages.current.send('one'))
  act(() => messages.current.send('two'))
  expect(messages.lines()).toEqual(['Ann: one (pending)', 'Ann: two (pending)'])
  await waitFor(() => expect(messages.lines()).toEqual(['Ann: one', 'Ann: two']), { timeout: 5_000 })
})

it('what is refused says why, and can be tried again or forgotten', async () => {
  const app = await startApp()
  let isClosed = true
  app.roomful.get('/public').room('lobby', { allow: { publish: () => !isClosed } })
  const messages = await showMessages(app)
  act(() => messages.current.send('one'))
  act(() => messages.current.send('two'))
  await waitFor(() => expect(messages.lines()).toEqual(['Ann: one (failed)', 'Ann: two (failed)']))
  const [one, two] = messages.current.messages
  expect(one).toMatchObject({ status: 'failed', error: { code: 'FORBIDDEN' } })
  isClosed = false
  act(() => messages.current.retry(one?.localId ?? ''))
  act(() => messages.current.discard(two?.localId ?? ''))
  await waitFor(() => expect(messages.lines()).toEqual(['Ann: one']))
})

it('edits, reactions and redactions change what is shown, live and from history', async () => {
  const app = await startApp()
  const messages = await showMessages(app)
  act(() => messages.current.send('helo'))
  await waitFor(() => expect(messages.lines()).toEqual(['Ann: helo']))
  await act(() => messages.current.edit(1, 'hello'))
  await act(() => messages.current.react('lobby-1', '👍'))
  await waitFor(() => {
    expect(messages.current.messages).toMatchObject([
      { content: 'hello', reactions: [{ emoji: '👍', userIds: [expect.any(String)] }] },
    ])
  })
  const later = await showMessages(app)
  expect(later.current.messages).toEqual(
    messages.current.messages.map((each) => ({ ...each, localId: expect.any(String) })),
  )
  await act(() => messages.current.removeReaction('lobby-1', '👍'))
  for (const shown of [messages, later, await showMessages(app)]) {
    await waitFor(() => expect(shown.current.messages).toMatchObject([{ content: 'hello', reactions: [] }]))
  }
  await act(() => messages.current.redact(1))
  for (const shown of [messages, later]) {
    await waitFor(() => expect(shown.current.messages).toMatchObject([{ isRedacted: true, content: '', name: 'Ann' }]))
  }
})

it('[M10] [M13] what was taken back while the link was cut is shown as that', async () => {
  const app = await startApp()
  let door = Promise.resolve()
  app.roomful.get('/public').use(({ user }) => (user.name === 'Ann' ? door : undefined))
  const lobby = app.visitor('Bob').room('lobby')
  const messages = await showMessages(app)
  const { id } = await lobby.send('hm')
  await lobby.react('👍', id)
  await lobby.react('👀', id)
  await waitFor(() => expect(messages.current.messages[0]).toMatchObject({ reactions: [{}, { emoji: '👀' }] }))
  const { promise, resolve } = Promise.withResolvers<void>()
  door = promise
  act(() => cutLinks(app, 'Ann'))
  await lobby.removeReaction('👍', id)
  const { seq } = await lobby.send('oh')
  await lobby.redact(seq)
  await lobby.send('well')
  resolve()
  const shown = [{ content: 'hm', reactions: [{ emoji: '👀' }] }, { isRedacted: true }, { content: 'well' }]
  await waitFor(() => expect(messages.current.messages).toMatchObject(shown), { timeout: 5_000 })
})

it('[G4] after a gap that cannot be filled the latest page is shown, and nothing of before it', async () => {
  const app = await startApp({ replayMax: 5 })
  let door = Promise.resolve()
  app.roomful.get('/public').use(({ user }) => (user.name === 'Ann' ? door : undefined))
  const lobby = app.visitor('Bob').room('lobby')
  await lobby.send('before')
  const messages = await showMessages(app)
  const { promise, resolve } = Promise.withResolvers<void>()
  door = promise
  act(() => cutLinks(app, 'Ann'))
  for (let i = 1; i <= 110; i++) await lobby.send(`#${i}`)
  resolve()
  await waitFor(() => expect(messages.lines()).toHaveLength(100), { timeout: 5_000 })
  expect(messages.lines().at(-1)).toBe('Bob: #110')
  act(() => messages.current.loadOlder())
  await waitFor(() => expect(messages.lines()).toHaveLength(111))
})

it('[D17] [N13] a message in pieces grows without the list, through a cut, and is stopped from the page', async () => {
  const app = await startApp()
  let lists = 0
  const view = {} as { current: Shown }
  function Row({ message }: { message: Message }): ReactElement {
    return <li>{useMessageText('lobby', message)}</li>
  }
  function Messages(): ReactElement {
    view.current = useMessages('lobby')
    lists++
    return (
      <ol>
        {view.current.messages.map((message) => (
          <Row key={message.localId} message={message} />
        ))}
      </ol>
    )
  }
  app.show('Ann', <Messages />)
  await waitFor(() => expect(view.current.loading).toBeUndefined())
  const answer = await app.roomful.get('/public').stream('lobby', 'message:new', { userId: 'bot', name: 'Bot' })
  answer.append('one ')
  await screen.findByText('one')
  const before = lists
  answer.append('two ')
  await screen.findByText('one two')
  answer.append('three ')
  await screen.findByText('one two three')
  expect(lists).toBe(before)
  act(() => cutLinks(app, 'Ann'))
  answer.append('four ')
  await answer.flushed()
  await screen.findByText('one two three four', {}, { timeout: 5_000 })
  await act(() => view.current.stop(answer.seq))
  expect(answer.signal.aborted).toBe(true)
  await waitFor(() =>
    expect(view.current.messages).toMatchObject([{ content: 'one two three four ', state: 'cancelled' }]),
  )
})

it('[D17] [N13] a page writes a message in pieces, through a cut, and hears when it is stopped', async () => {
  const app = await startApp()
  const messages = await showMessages(app)
  const bob = app.visitor('Bob')
  const reader = messagesOf(bob, 'lobby')
  onTestFinished(reader.subscribe(() => undefined))
  const writer = await messages.current.stream('Once ')
  writer.append('upon ')
  act(() => cutLinks(app, 'Ann'))
  writer.append('a ')
  writer.append('time')
  await writer.complete({ mood: 'good' })
  await waitFor(() =>
    expect(reader.getSnapshot().messages).toMatchObject([{ content: 'Once upon a time', state: 'complete' }]),
  )
  expect(messages.lines()).toEqual(['Ann: Once upon a time'])
  const second = await messages.current.stream('never ')
  await waitFor(() => expect(reader.getSnapshot().messages).toHaveLength(2))
  await reader.stop(second.seq)
  await waitFor(() => expect(second.signal.aborted).toBe(true))
  second.append('ending')
  await expect(second.complete()).rejects.toMatchObject({ code: 'CONFLICT' })
})

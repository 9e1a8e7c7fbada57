// @vitest-environment happy-dom
/** The hooks on the test kit's server, as docs/testing.md shows: test/docs/testing.test.ts holds the page against this file. */
import { connect } from '@roomful/client'
import { createTestServer } from '@roomful/testkit'
import { act, cleanup, render, screen } from '@testing-library/react'
import { afterEach, expect, it } from 'vitest'
import { RoomfulProvider, useMessages, useRoom } from '../src/index.ts'

afterEach(cleanup)

function Lobby() {
  const { status, count } = useRoom('lobby')
  const { messages } = useMessages('lobby')
  return (
    <p>
      {status}, {count} here: {messages.map(({ content }) => content).join(', ')}
    </p>
  )
}

it('shows who is there and what is said', async () => {
  await using server = await createTestServer()
  const client = connect('http://test', server.clientOptions({ user: 'ann' }))
  render(
    <RoomfulProvider client={client}>
      <Lobby />
    </RoomfulProvider>,
  )
  await act(() => server.settle())
  const bob = await server.connect({ user: 'bob' })
  await bob.request('room:join', 'lobby')
  await bob.request('message:send', { roomId: 'lobby', content: 'hello' })
  await act(() => server.settle())
  expect(screen.getByText('joined, 2 here: hello')).toBeDefined()
  client.close()
})

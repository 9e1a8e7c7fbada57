// @vitest-environment happy-dom
/** What members say of themselves, the state of a room and unread counts, as components use them. */
import '@roomful/client/eager'
import { type Client, connect } from '@roomful/client'
import { createTestServer, type TestServer } from '@roomful/testkit'
import { act, cleanup, render, screen } from '@testing-library/react'
import { StrictMode } from 'react'
import { afterEach, expect, it } from 'vitest'
import { RoomfulProvider, usePresence, useRoomState, useUnread } from '../src/index.ts'

afterEach(cleanup)

const settings = { ratePerSecond: 0, ratePerMinute: 0 }

function show(
  server: TestServer,
  page: React.ReactElement,
): { client: Client; rerender(page: React.ReactElement): void } {
  const client = connect('http://test', server.clientOptions({ user: 'ann' }))
  const around = (children: React.ReactElement) => (
    <StrictMode>
      <RoomfulProvider client={client}>{children}</RoomfulProvider>
    </StrictMode>
  )
  const { rerender } = render(around(page))
  return { client, rerender: (next) => rerender(around(next)) }
}

it('[D17] usePresence shows what members say of themselves, and follows what this one says', async () => {
  await using server = await createTestServer({ settings })
  const Members = ({ mood }: { mood: string }) => {
    const { members } = usePresence('x', { mood })
    return <p>{members.map(({ userId, state }) => `${userId} ${state?.mood}`).join(', ')}</p>
  }
  const { client, rerender } = show(server, <Members mood="fine" />)
  await act(() => server.settle())
  expect(screen.getByText('ann fine')).toBeDefined()
  rerender(<Members mood="great" />)
  await act(() => server.advance(200))
  expect(screen.getByText('ann great')).toBeDefined()
  client.close()
})

it('[D18] useRoomState shows own changes at once, and those of others', async () => {
  await using server = await createTestServer({ settings })
  let vote = (): Promise<unknown> => Promise.resolve()
  const Votes = () => {
    const { state, add, isLoaded } = useRoomState('x')
    vote = () => add('votes')
    return <p>{isLoaded ? `${state.votes ?? 0} votes` : 'loading'}</p>
  }
  const { client } = show(server, <Votes />)
  expect(screen.getByText('loading')).toBeDefined()
  await act(() => server.settle())
  expect(screen.getByText('0 votes')).toBeDefined()
  let voted: Promise<unknown> | undefined
  act(() => {
    voted = vote()
  })
  expect(screen.getByText('1 votes')).toBeDefined()
  await act(() => server.settle())
  await voted
  const bob = await server.connect({ user: 'bob' })
  await bob.request('state:add', { roomId: 'x', name: 'votes', by: 2 })
  await act(() => server.settle())
  expect(screen.getByText('3 votes')).toBeDefined()
  client.close()
})

it('[D18] useUnread counts, and reading ends it', async () => {
  await using server = await createTestServer({ settings })
  const bob = await server.connect({ user: 'bob' })
  for (const content of ['one', 'two']) await bob.request('message:send', { roomId: 'x', content })
  let read = (): Promise<void> => Promise.resolve()
  const Badge = () => {
    const { rooms, markRead } = useUnread(['x'])
    read = () => markRead('x')
    return <p>{rooms.get('x')?.unread ?? '?'} new</p>
  }
  const { client } = show(server, <Badge />)
  await act(() => server.settle())
  expect(screen.getByText('2 new')).toBeDefined()
  await act(async () => {
    const reading = read()
    await server.settle()
    await reading
  })
  expect(screen.getByText('0 new')).toBeDefined()
  client.close()
})

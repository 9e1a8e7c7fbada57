// @vitest-environment happy-dom
/** The hooks in a page under Strict Mode, against a real server. B21, B19, D5. */
import { hubOf } from '@roomful/server/testing'
import { act, render, renderHook, screen, waitFor } from '@testing-library/react'
import { type ReactElement, StrictMode, useEffect, useState } from 'react'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import {
  LinkProvider,
  RoomfulProvider,
  useClient,
  useConnection,
  useEvent,
  usePresence,
  useRoom,
  useTyping,
} from '../src/index.ts'
import { cutLinks, startApp } from './support/app.tsx'

function Connection(): ReactElement {
  return <p>connection: {useConnection().status}</p>
}

function Members({ roomId }: { roomId: string }): ReactElement {
  const { members, count } = usePresence(roomId)
  return (
    <p>
      {roomId}: {members.map(({ name }) => name).join(', ')} ({count})
    </p>
  )
}

it('[B21] one connection and one join under Strict Mode, with two components in a room', async () => {
  const app = await startApp()
  const page = app.show(
    'Ann',
    <>
      <Connection />
      <Members roomId="lobby" />
      <Members roomId="lobby" />
    </>,
  )
  await screen.findByText('connection: open')
  await waitFor(() => expect(screen.getAllByText('lobby: Ann (1)')).toHaveLength(2))
  expect(app.opened).toEqual(['Ann'])
  expect(app.moves).toEqual(['+Ann lobby'])
  page.unmount()
  await waitFor(() => expect(hubOf(app.roomful).links.open.size).toBe(0))
  expect(app.opened).toEqual(['Ann'])
})

it('[B21] a room is left shortly after its last component, and not while it is taken up again', async () => {
  const app = await startApp()
  let show: (roomId: string | undefined) => void = () => undefined
  function Switch(): ReactElement {
    const [roomId, setRoomId] = useState<string | undefined>('lobby')
    show = setRoomId
    return roomId === undefined ? <p>nowhere</p> : <Members key={Math.random()} roomId={roomId} />
  }
  app.show('Ann', <Switch />)
  await screen.findByText('lobby: Ann (1)')
  act(() => show(undefined))
  act(() => show('lobby'))
  await screen.findByText('lobby: Ann (1)')
  expect(app.moves).toEqual(['+Ann lobby'])
  act(() => show('garden'))
  await screen.findByText('garden: Ann (1)')
  await waitFor(() => expect(app.moves).toEqual(['+Ann lobby', '+Ann garden', '-Ann lobby']))
})

it('[B21] the connection’s states are shown, and a room lives through a cut', async () => {
  const app = await startApp()
  const states: string[] = []
  function Watch(): ReactElement {
    states.push(useConnection().status)
    return <Members roomId="lobby" />
  }
  app.show('Ann', <Watch />)
  await screen.findByText('lobby: Ann (1)')
  act(() => cutLinks(app, 'Ann'))
  await waitFor(() => expect(states.at(-1)).toBe('waiting'))
  const bob = app.visitor('Bob')
  await bob.room('lobby').ready
  await screen.findByText('lobby: Ann, Bob (2)', undefined, { timeout: 5_000 })
  expect(states.at(-1)).toBe('open')
})

it('[B21] under Strict Mode an effect that listens to the room itself hears each event once', async () => {
  const app = await startApp()
  const received: string[] = []
  function Listen(): ReactElement {
    const { room, status } = useRoom('lobby')
    useEffect(() => {
      room?.on('message:new', ({ content }) => received.push(content))
    }, [room])
    return <p>room: {status}</p>
  }
  app.show('Ann', <Listen />)
  await screen.findByText('room: joined')
  const room = app.visitor('Bob').room('lobby')
  await room.send('hello')
  await room.send('again')
  await waitFor(() => expect(received).toContain('again'))
  expect(received).toEqual(['hello', 'again'])
  expect(app.moves.filter((move) => move.includes('Ann'))).toEqual(['+Ann lobby'])
})

it('[B19] who writes is listed, and not oneself in another tab', async () => {
  const app = await startApp()
  const typing = { start: (): void => undefined, stop: (): void => undefined }
  function Writing(): ReactElement {
    const { typists, typing: start, stopTyping } = useTyping('lobby')
    Object.assign(typing, { start, stop: stopTyping })
    return <p>writing: {typists.map(({ name }) => name).join(', ')}</p>
  }
  app.show(
    'Ann',
    <>
      <Writing />
      <Members roomId="lobby" />
    </>,
  )
  await screen.findByText('lobby: Ann (1)')
  const bob = app.visitor('Bob').room('lobby')
  await bob.ready
  await screen.findByText('lobby: Ann, Bob (2)')
  bob.typing()
  await screen.findByText('writing: Bob')
  bob.stopTyping()
  await screen.findByText('writing:')
  act(() => typing.start())
  await waitFor(() => expect(bob.getSnapshot().typists).toMatchObject([{ name: 'Ann' }]))
  act(() => typing.stop())
  await waitFor(() => expect(bob.getSnapshot().typists).toEqual([]))
})

it('an event reaches the listener of the latest render, in a room or anywhere', async () => {
  const app = await startApp()
  const received: string[] = []
  let rerender: (value: string) => void = () => undefined
  function Ears(): ReactElement {
    const [value, setValue] = useState('first')
    rerender = setValue
    useEvent('message:new', ({ content }) => received.push(`${value} room ${content}`), { roomId: 'lobby' })
    useEvent('message:new', ({ content }) => received.push(`${value} any ${content}`))
    return <Members roomId="garden" />
  }
  app.show('Ann', <Ears />)
  await screen.findByText('garden: Ann (1)')
  const bob = app.visitor('Bob')
  const [lobby, garden] = [bob.room('lobby'), bob.room('garden')]
  await Promise.all([lobby.ready, garden.ready])
  await screen.findByText('garden: Ann, Bob (2)')
  await lobby.send('one')
  await waitFor(() => expect(received).toEqual(['first room one', 'first any one']))
  act(() => rerender('second'))
  await garden.send('two')
  await waitFor(() => expect(received.slice(2)).toEqual(['second any two']))
})

it('[B21] a client of the application’s own is used, and neither connected nor closed', async () => {
  const app = await startApp()
  const client = app.visitor('Ann')
  const page = render(
    <RoomfulProvider client={client}>
      <Members roomId="lobby" />
    </RoomfulProvider>,
  )
  await screen.findByText('lobby: Ann (1)')
  page.unmount()
  await waitFor(() => expect(app.moves).toEqual(['+Ann lobby', '-Ann lobby']))
  expect(client.state.status).toBe('open')
})

it('outside of a provider a hook says what is missing', () => {
  expect(() => renderHook(() => useClient())).toThrow('There is no <RoomfulProvider> around this component')
})

it('a room says why its user may not be in it', async () => {
  const app = await startApp()
  function Refused(): ReactElement {
    const { status, error } = useRoom('user:another')
    return (
      <p>
        {status}: {error?.code}
      </p>
    )
  }
  app.show('Ann', <Refused />)
  await screen.findByText('refused: FORBIDDEN')
})

it('[B21] namespaces under one LinkProvider share a link, each with its own connection', async () => {
  const app = await startApp({ auth: 'optional' })
  function Page({ board }: { board: boolean }): ReactElement {
    return (
      <StrictMode>
        <LinkProvider url={app.url} options={{ name: 'Ann', WebSocket, random: () => 0 }}>
          <RoomfulProvider namespace="/public">
            <Members roomId="lobby" />
            {board && (
              <RoomfulProvider namespace="/">
                <Members roomId="plan" />
              </RoomfulProvider>
            )}
          </RoomfulProvider>
        </LinkProvider>
      </StrictMode>
    )
  }
  const page = render(<Page board />)
  await screen.findByText('lobby: Ann (1)')
  await screen.findByText('plan: Ann (1)')
  const [link] = [...hubOf(app.roomful).links.open]
  expect(link?.connections.map(({ namespace }) => namespace.name).sort()).toEqual(['/', '/public'])
  expect(hubOf(app.roomful).links.open.size).toBe(1)
  page.rerender(<Page board={false} />)
  await waitFor(() => expect(link?.connections.map(({ namespace }) => namespace.name)).toEqual(['/public']))
  page.unmount()
  await waitFor(() => expect(hubOf(app.roomful).links.open.size).toBe(0))
})

it('a namespace without a link to share says so', () => {
  expect(() => render(<RoomfulProvider namespace="/board" />)).toThrow('There is no <LinkProvider>')
})

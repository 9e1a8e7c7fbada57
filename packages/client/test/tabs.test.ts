/** Sharing among tabs, without a browser: the bound of the hub, and what a tab does when no hub answers. D13. */
import { VirtualClock } from '@roomful/testkit'
import { expect, it } from 'vitest'
import { Hub, UNREAD_MAX_BYTES } from '../src/tabs/hub.ts'
import { type FromHub, sizeOf } from '../src/tabs/messages.ts'
import type { RouteOptions } from '../src/tabs/route.ts'
import { ANSWER_MS, Tab } from '../src/tabs/tab.ts'
import type { OpenTransport, TransportHandlers } from '../src/transports/transport.ts'

const NEVER = new Promise<void>(() => undefined)

/** Transports whose server is the test. */
function recordingTransport() {
  const opened: { handlers: TransportHandlers; sent: string[]; closed: string[] }[] = []
  const open: OpenTransport = (handlers) => {
    const one = { handlers, sent: [] as string[], closed: [] as string[] }
    opened.push(one)
    return { send: (text) => one.sent.push(text), close: (manner) => one.closed.push(manner) }
  }
  return { opened, open }
}

/** A hub with a link that is open, and tabs that read nothing by themselves. */
function openHub() {
  const clock = new VirtualClock()
  const { opened, open } = recordingTransport()
  const hub = new Hub({ openTransport: open, clock })
  const admit = (gone: Promise<void> = NEVER) => {
    const received: FromHub[] = []
    return { received, ...{ guest: hub.admit((message) => received.push(message), gone) } }
  }
  return { clock, opened, hub, admit }
}

it('[D13] a tab that does not read is left with its session kept, and the others get everything', async () => {
  const { opened, admit, clock } = openHub()
  const [reader, frozen] = [admit(), admit()]
  for (const { guest } of [reader, frozen]) guest.handle({ type: 'attach', id: 1 })
  const [link] = opened
  link?.handlers.onOpen()
  await clock.settle()
  const text = 'x'.repeat(100_000)
  const fits = Math.floor(UNREAD_MAX_BYTES / sizeOf(`{"ch":2,${text}`))
  for (let i = 0; i <= fits; i++) {
    for (const ch of [1, 2]) link?.handlers.onMessage(`{"ch":${ch},${text}`)
    reader.guest.handle({ type: 'read', size: sizeOf(`{"ch":1,${text}`) })
  }
  const textsOf = ({ received }: { received: FromHub[] }) => received.filter(({ type }) => type === 'message')
  expect(textsOf(frozen)).toHaveLength(fits)
  expect(frozen.received.at(-1)).toMatchObject({ type: 'close', id: 1, code: 4008 })
  expect(link?.sent).toEqual(['{"type":"close","ch":2,"keep":true}'])
  expect(textsOf(reader)).toHaveLength(fits + 1)
  frozen.guest.handle({ type: 'read', size: fits * sizeOf(`{"ch":2,${text}`) })
  frozen.guest.handle({ type: 'attach', id: 2 })
  expect(opened).toHaveLength(1)
})

it('[D13] a tab that ends says goodbye, once what it sent last is there', async () => {
  const { opened, admit, clock } = openHub()
  let end: () => void = () => undefined
  const gone = new Promise<void>((resolve) => {
    end = resolve
  })
  const [one, other] = [admit(gone), admit()]
  for (const { guest } of [one, other]) guest.handle({ type: 'attach', id: 1 })
  opened[0]?.handlers.onOpen()
  await clock.settle()
  end()
  await clock.settle()
  one.guest.handle({ type: 'send', id: 1, text: '{"ch":1,"event":"last"}' })
  await clock.advance(1_000)
  expect(opened[0]?.sent).toEqual(['{"ch":1,"event":"last"}', '{"type":"close","ch":1}'])
})

it('[D13] a client that took a link for dead which works leaves it, and no other link is opened', async () => {
  const { opened, admit, clock } = openHub()
  const [one, other] = [admit(), admit()]
  for (const { guest } of [one, other]) guest.handle({ type: 'attach', id: 1 })
  opened[0]?.handlers.onOpen()
  opened[0]?.handlers.onMessage('{"type":"pong"}')
  one.guest.handle({ type: 'detach', id: 1, manner: 'cut' })
  one.guest.handle({ type: 'attach', id: 2 })
  expect([opened.length, opened[0]?.sent]).toEqual([1, ['{"type":"close","ch":1,"keep":true}']])
  await clock.advance(60_000)
  one.guest.handle({ type: 'detach', id: 2, manner: 'cut' })
  one.guest.handle({ type: 'attach', id: 3 })
  expect(opened).toHaveLength(2) // now it was silent for long
})

it('[D13] [C15] after the announcement of a restart those who come back use another link', () => {
  const { opened, admit } = openHub()
  const [one, other] = [admit(), admit()]
  for (const { guest } of [one, other]) guest.handle({ type: 'attach', id: 1 })
  opened[0]?.handlers.onOpen()
  opened[0]?.handlers.onMessage('{"ch":1,"event":"server:draining","data":{"reconnectAfterMs":1}}')
  one.guest.handle({ type: 'detach', id: 1, manner: 'cut' })
  one.guest.handle({ type: 'attach', id: 2 })
  expect(opened).toHaveLength(2)
})

/** A tab whose ways to a hub are the test's. */
function openTab(routes: ((options: RouteOptions) => void)[]) {
  const clock = new VirtualClock()
  const own = recordingTransport()
  const tab = new Tab({
    ...{ group: 'g', config: { url: 'ws://x/ws', transports: undefined, timeoutMs: 10_000 }, clock },
    locks: { request: (_name: string, ...rest: unknown[]) => (rest.at(-1) as () => Promise<unknown>)() } as never,
    createId: () => 'tab',
    page: {
      watch: () => () => undefined,
      signedOut: { get: () => 0, set: () => undefined, watch: () => () => undefined },
    },
    routes: routes.map((start) => (options: RouteOptions) => {
      start(options)
      return { leads: 'no' as const, post: () => undefined, end: () => undefined }
    }),
  })
  const asking = { openOwn: own.open, onError: () => undefined, signedOutAt: 0 }
  const handlers = { onOpen: () => undefined, onMessage: () => undefined, onClose: () => undefined }
  return { clock, own, open: () => tab.open(asking, handlers) }
}

it('[D13] a client has a link of its own when no hub answers in time', async () => {
  const { clock, own, open } = openTab([() => undefined])
  const transport = open()
  await clock.advance(ANSWER_MS - 1)
  expect(own.opened).toHaveLength(0)
  await clock.advance(1)
  expect(own.opened).toHaveLength(1)
  transport.send('hello')
  transport.close('goodbye')
  expect(own.opened).toMatchObject([{ sent: ['hello'], closed: ['goodbye'] }])
})

it('[D13] the next way is tried when one is broken, and none is waited for when all are', async () => {
  const tried: string[] = []
  const broken = (name: string) => (options: RouteOptions) => {
    tried.push(name)
    queueMicrotask(() => options.onGone(true))
  }
  const { clock, own, open } = openTab([
    broken('worker'),
    () => {
      throw new Error('not allowed')
    },
    broken('leader'),
  ])
  open()
  await clock.settle()
  expect([tried, own.opened.length]).toEqual([['worker', 'leader'], 1])
  open()
  await clock.settle()
  expect([tried.length, own.opened.length]).toEqual([2, 2])
})

/** Notifications as their clients see them: short and long polls, and live ones of every kind. B9, B10. */

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hubOf } from '@roomful/server/testing'
import { io } from 'socket.io-client'
import { expect, it, onTestFinished } from 'vitest'
import { bearer, errorOf, type Serving, serve, socket, stream, tokenOf, until } from '../fallbacks/serving.ts'

const API_KEY = 'key-0123456789-0123456789-0123456789'

interface Page {
  readonly notifications: { readonly id: string; readonly message: string; readonly ts: number }[]
  readonly cursor: string
}

const start = (settings: Parameters<typeof serve>[0] = {}) => serve({ apiKey: API_KEY, ...settings })
const ask = (url: string, query: Record<string, string> = {}, user = 'ann', init: RequestInit = {}) =>
  fetch(`${url}/api/notifications?${new URLSearchParams(query)}`, { headers: bearer(user), ...init })
const poll = async (url: string, query: Record<string, string> = {}, user = 'ann'): Promise<Page> => {
  const response = await ask(url, query, user)
  expect(response.status).toBe(200)
  return (await response.json()) as Page
}
const notify = async ({ url }: Serving, message: string, more: object = {}) => {
  const body = JSON.stringify({ userId: 'ann', message, ...more })
  const headers = { authorization: `Bearer ${API_KEY}` }
  const response = await fetch(`${url}/api/server/notify`, { method: 'POST', headers, body })
  return { status: response.status, body: (await response.json()) as { id: string; ts: number } }
}
const messages = ({ notifications }: Page) => notifications.map(({ message }) => message)
const watchersOf = (roomful: Serving['roomful']): Map<string, Set<unknown>> =>
  Reflect.get(hubOf(roomful).namespace('/notifications')?.inboxes ?? {}, 'watchers')
const watched = ({ roomful }: Serving) => watchersOf(roomful).size

it('[B9] [X10] a short poll tells the newer ones of its user, by ms, ISO 8601 and cursor', async () => {
  const serving = await start()
  const { url } = serving
  const begun = await poll(url)
  expect(begun.notifications).toEqual([])
  const first = await notify(serving, 'one', { key: 'k1' })
  expect(await notify(serving, 'one', { key: 'k1' })).toEqual(first)
  await until('the next millisecond', () => Date.now() > first.body.ts)
  const more = { title: 'Two', link: '/two' }
  const second = await notify(serving, 'two', more)
  await notify(serving, 'not yours', { userId: 'bob' })
  expect(messages(await poll(url))).toEqual(['one', 'two'])
  expect((await poll(url, { since: begun.cursor })).notifications).toEqual([
    { id: first.body.id, message: 'one', ts: first.body.ts },
    { id: second.body.id, message: 'two', ...more, ts: second.body.ts },
  ])
  for (const since of [String(first.body.ts), new Date(first.body.ts).toISOString()]) {
    expect(messages(await poll(url, { since }))).toEqual(['two'])
  }
  const { cursor } = await poll(url, { since: begun.cursor })
  expect(messages(await poll(url, { since: cursor, wait: '0' }))).toEqual([])
  expect(messages(await poll(url, { since: begun.cursor }, 'bob'))).toEqual(['not yours'])
})

it('[X10] refuses what is no position, and who is nobody', async () => {
  const { url } = await start()
  const { cursor } = await poll(url)
  const since = (text: string) => ask(url, { since: text }).then(errorOf)
  for (const text of ['yesterday', '-1', '2026-13-45', '2026-01-01T10:00', '1abcdef.']) {
    expect(await since(text)).toEqual([400, 'INVALID_MESSAGE'])
  }
  expect(await since('1zzzzzzzz.0')).toEqual([400, 'CURSOR_INVALID'])
  expect(await since(cursor.replace(/\d+$/, '99'))).toEqual([400, 'CURSOR_INVALID'])
  expect(await errorOf(await fetch(`${url}/api/notifications`))).toEqual([401, 'UNAUTHENTICATED'])
})

it('[B10] [X11] a long poll is answered as soon as one arrives, and empty when its time is up', async () => {
  const serving = await start()
  const { url } = serving
  const { cursor } = await poll(url)
  for (const sinceOf of [() => cursor, ({ notifications }: Page) => String(notifications.at(-1)?.ts)]) {
    const since = sinceOf(await poll(url))
    const waiting = poll(url, { since, wait: '25' })
    await until('the watcher', () => watched(serving) === 1)
    await notify(serving, `after ${since}`)
    expect(messages(await waiting)).toEqual([`after ${since}`])
  }
  const newest = await poll(url)
  expect(await poll(url, { since: newest.cursor, wait: '1' })).toEqual({ notifications: [], cursor: newest.cursor })
  expect(watched(serving)).toBe(0)
})

it('[X11] [G8] a poll that waits ends with a ban, and the next one is told of it', async () => {
  const serving = await start()
  const { url } = serving
  const { cursor } = await poll(url)
  const waiting = ask(url, { since: cursor, wait: '25' })
  await until('the watcher', () => watched(serving) === 1)
  await serving.roomful.ban('ann')
  expect(await errorOf(await waiting)).toEqual([503, 'UNAVAILABLE'])
  expect(await errorOf(await ask(url, { since: cursor, wait: '25' }))).toEqual([403, 'BANNED'])
  expect(watched(serving)).toBe(0)
})

it('[X11] a client that vanishes is let go at once, and no user takes every place', async () => {
  const serving = await start()
  const { url } = serving
  const { cursor } = await poll(url)
  const gone = new AbortController()
  const query = { since: cursor, wait: '25' }
  const waiting = Array.from({ length: 32 }, () =>
    ask(url, query, 'ann', { signal: gone.signal }).catch(() => undefined),
  )
  const sizeOf = () => watchersOf(serving.roomful).get('user:ann')?.size
  await until('all of them', () => sizeOf() === 32)
  const refused = await ask(url, query)
  expect(refused.headers.get('retry-after')).toBe('5')
  expect(await errorOf(refused)).toEqual([503, 'UNAVAILABLE'])
  gone.abort()
  await Promise.all(waiting)
  await until('nobody', () => watched(serving) === 0)
})

it('[X12] nothing is missed or told twice beside a publisher, by cursor or by timestamp, in pages', async () => {
  const serving = await start()
  const { url } = serving
  const total = 400
  const namespace = serving.roomful.get('/notifications')
  const { cursor } = await poll(url)
  const read = async (next: (page: Page) => string): Promise<string[]> => {
    const heard: string[] = []
    let since = next({ notifications: [], cursor })
    while (heard.length < total) {
      const page = await poll(url, { since, wait: '5' })
      heard.push(...messages(page))
      if (page.notifications.length > 0) since = next(page)
    }
    return heard
  }
  const readers = [read((page) => page.cursor), read(({ notifications }) => String(notifications.at(-1)?.ts ?? 0))]
  const all = Array.from({ length: total }, (_, index) => `m${index}`)
  // The last 150 are of one millisecond, as one turn stores them.
  for (const message of all.slice(0, 250)) await namespace.publish('user:ann', 'notification', [{ message }])
  await Promise.all(all.slice(250).map((message) => namespace.publish('user:ann', 'notification', [{ message }])))
  for (const heard of await Promise.all(readers)) expect(heard).toEqual(all)
  const page = await poll(url, { since: cursor })
  expect(page.notifications).toHaveLength(100)
})

it('[B9] [X12] a cursor goes on after a restart', async () => {
  const data = await mkdtemp(join(tmpdir(), 'roomful-notifications-'))
  onTestFinished(() => rm(data, { recursive: true, force: true }))
  const before = await start({ data })
  await notify(before, 'one')
  const { cursor } = await poll(before.url)
  const waiting = poll(before.url, { since: cursor, wait: '25' })
  await until('the watcher', () => watched(before) === 1)
  await notify(before, 'two')
  expect(messages(await waiting)).toEqual(['two'])
  await before.roomful.close()
  const after = await start({ data })
  await notify(after, 'three')
  expect(messages(await poll(after.url, { since: cursor }))).toEqual(['two', 'three'])
})

it('[B9] [X13] is live in /notifications for every kind of client, and waits for who is away', async () => {
  const serving = await start()
  const { url, roomful } = serving
  await notify(serving, 'while away')
  const bare = await socket(`${url}/ws/notifications?token=${tokenOf('ann')}`)
  const events = await stream(`${url}/sse/notifications`, bearer('ann'))
  const official = io(`${url}/notifications`, { auth: { token: tokenOf('ann') }, forceNew: true })
  onTestFinished(() => void official.disconnect())
  const heard: string[] = []
  official.on('notification', ({ message }: { message: string }) => heard.push(message))
  await until(
    'three connections',
    () => hubOf(roomful).namespace('/notifications')?.state.users.get('ann')?.connections.size === 3,
  )
  await until('what waited', () => bare.heard.some(({ message }) => message === 'while away'))
  const { body } = await notify(serving, 'now')
  const isTold = ({ type, message }: Record<string, unknown>) => type === 'notification' && message === 'now'
  const told = await until('the bare one', () => bare.heard.find(isTold))
  expect(told).toMatchObject({ id: body.id, ts: body.ts, roomId: 'user:ann', seq: 2 })
  await events.next('notification', isTold)
  await until('the official one', () => heard.includes('now'))
  expect(bare.heard.filter(isTold)).toHaveLength(1)
})

it('[B9] [B10] the client in the documents hears everything once, by short polls and by long ones', async () => {
  const serving = await start()
  const text = await readFile(new URL('../../../../docs/http-api.md', import.meta.url), 'utf8')
  const [, source] = /```js\n(async function pollNotifications[\s\S]*?)```/.exec(text) ?? []
  const pollNotifications = new Function(`return ${source}`)() as (options: object) => Promise<void>
  const stop = new AbortController()
  const heard: [string[], string[]] = [[], []]
  const clients = [{ pauseMs: 20 }, { waitSeconds: 25, pauseMs: 0 }].map((options, index) => {
    const show = ({ message }: { message: string }) => heard[index]?.push(message)
    const client = { url: serving.url, token: tokenOf('ann'), show, signal: stop.signal, ...options }
    return pollNotifications(client).catch((error: unknown) => error)
  })
  const all = Array.from({ length: 20 }, (_, index) => `m${index}`)
  for (const message of all) await notify(serving, message)
  await until('all of them', () => heard.every((each) => each.length >= all.length))
  stop.abort()
  await Promise.all(clients)
  expect(heard).toEqual([all, all])
})

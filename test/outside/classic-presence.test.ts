/** Classic presence: the full list of names to the whole room at each change. PROTOCOL.md 5, A2.1. */
import { expect, it } from 'vitest'
import { type Client, guest, user } from './lib/client.ts'
import type { Frame } from './lib/match.ts'
import { openRaw } from './lib/raw.ts'
import { UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

const names = (frame: Frame): string[] => [...(frame.users as string[])].sort()

/** Waits for a presence_update that lists exactly these. */
async function sees(client: Client, room: string, users: string[]): Promise<void> {
  const wanted = [...users].sort().join()
  await client.next(
    (frame) => frame.type === 'presence_update' && frame.room === room && names(frame).join() === wanted,
  )
}

async function join(client: Client, room: string): Promise<void> {
  client.send({ type: 'join', room })
  await client.next({ type: 'joined', room })
}

it('[A2.1] every member, the joiner included, gets the full list whenever membership changes', async () => {
  const [ann, ben] = [await guest(server, 'p-ann'), await guest(server, 'p-ben')]
  await join(ann, 'lobby')
  await sees(ann, 'lobby', ['p-ann'])
  await join(ben, 'lobby')
  await sees(ann, 'lobby', ['p-ann', 'p-ben'])
  await sees(ben, 'lobby', ['p-ann', 'p-ben'])
  ben.send({ type: 'leave' })
  await sees(ann, 'lobby', ['p-ann'])
})

it('[A2.1] a clean close and a cut cable are both seen at once, without grace', async () => {
  const watcher = await guest(server, 'w')
  await join(watcher, 'cut')
  const [clean, abrupt] = [await guest(server, 'clean'), await guest(server, 'abrupt')]
  await join(clean, 'cut')
  await join(abrupt, 'cut')
  await sees(watcher, 'cut', ['w', 'clean', 'abrupt'])
  let start = performance.now()
  await clean.close()
  await sees(watcher, 'cut', ['w', 'abrupt'])
  expect(performance.now() - start).toBeLessThan(1000)
  start = performance.now()
  await abrupt.terminate()
  await sees(watcher, 'cut', ['w'])
  expect(performance.now() - start).toBeLessThan(1000)
})

it('[A2.1] a reset of the TCP connection is seen at once', async () => {
  const watcher = await guest(server, 'w-reset')
  await join(watcher, 'reset')
  const raw = await openRaw(server.port, '/ws/public?name=resetter')
  raw.sendText({ type: 'join', room: 'reset' })
  await sees(watcher, 'reset', ['w-reset', 'resetter'])
  raw.socket.resetAndDestroy()
  await sees(watcher, 'reset', ['w-reset'])
})

it('[A2.1] several tabs of one user are one name, gone only with the last', async () => {
  const watcher = await user(server, 'tab-watcher')
  await join(watcher, 'tabs')
  const tabs = await Promise.all([1, 2, 3].map(() => user(server, 'tabby')))
  for (const tab of tabs) await join(tab, 'tabs')
  await sees(watcher, 'tabs', ['tab-watcher', 'tabby'])
  watcher.forget()
  const open = await server.clients()
  await tabs[0]?.close()
  await tabs[1]?.terminate()
  await server.untilClients(open - 2)
  await watcher.settled()
  for (const update of watcher.unread('presence_update')) expect(names(update)).toEqual(['tab-watcher', 'tabby'])
  await tabs[2]?.close()
  await sees(watcher, 'tabs', ['tab-watcher'])
})

it('[A2.1] guests who want the same name get different ones', async () => {
  const [one, two] = [await guest(server, 'twin'), await guest(server, 'twin')]
  await join(one, 'twins')
  await join(two, 'twins')
  const seen = await one.next((frame) => frame.type === 'presence_update' && (frame.users as string[]).length === 2)
  expect(new Set(seen.users as string[]).size).toBe(2)
})

it('[A2.1] a name is shown as given, HTML and all, and nobody is shown without one', async () => {
  const odd = await guest(server, '<img src=x onerror=alert(1)>')
  await join(odd, 'odd')
  await sees(odd, 'odd', ['<img src=x onerror=alert(1)>'])
  const nameless = await guest(server, '')
  await join(nameless, 'odd')
  const seen = await odd.next((frame) => frame.type === 'presence_update' && (frame.users as string[]).length === 2)
  for (const name of seen.users as string[]) expect(name.length).toBeGreaterThan(0)
})

it('[A2.1] [A1.2] classic is a view over the same room: plain clients are in its presence and its talk', async () => {
  const classic = await user(server, 'v-classic')
  const plain = await user(server, 'v-plain', { name: 'Plain Person' })
  await join(classic, 'views')
  await plain.ok('room:join', { roomId: 'views' })
  await sees(classic, 'views', ['v-classic', 'Plain Person'])
  const sent = await plain.ok('chat:message', { roomId: 'views', content: 'from plain' })
  expect(await classic.next('message')).toEqual({
    type: 'message',
    room: 'views',
    from: 'Plain Person',
    text: 'from plain',
    ts: sent.ts,
    seq: sent.seq,
  })
  classic.send({ type: 'message', text: 'from classic' })
  expect(await plain.next({ type: 'chat:message', content: 'from classic' })).toMatchObject({
    roomId: 'views',
    userId: 'v-classic',
    seq: 2,
  })
})

it('[A2.1] a hundred joins at once end in the true list', async () => {
  const watcher = await guest(server, 'crowd-watcher')
  await join(watcher, 'crowd')
  const crowd = await Promise.all(Array.from({ length: 100 }, (_, i) => guest(server, `crowd-${i}`)))
  for (const client of crowd) client.send({ type: 'join', room: 'crowd' })
  await watcher.next((frame) => frame.type === 'presence_update' && (frame.users as string[]).length === 101)
  await Promise.all(crowd.map((client, i) => (i % 2 ? client.close() : client.terminate())))
  await sees(watcher, 'crowd', ['crowd-watcher'])
})

it('[A2.1] an expired token is no way into the list', async () => {
  const watcher = await user(server, 'gate-watcher')
  await join(watcher, 'gate')
  const raw = await openRaw(server.port, `/ws?token=${token({ sub: 'late' }, { expiresInS: -10 })}`)
  raw.sendText({ type: 'join', room: 'gate' })
  expect(await raw.closeCode()).toBe(4001)
  await watcher.settled()
  expect(watcher.unread((frame) => frame.type === 'presence_update' && names(frame).includes('late'))).toEqual([])
})

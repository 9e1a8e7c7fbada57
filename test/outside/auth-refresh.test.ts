/** A token renewed on the open connection, and one that runs out. PROTOCOL.md 3, G8. The expiry test takes the 32 s of H12. */
import { expect, it } from 'vitest'
import { dial, user } from './lib/client.ts'
import { UNLIMITED } from './lib/server.ts'
import { token } from './lib/token.ts'
import { useServer } from './lib/use-server.ts'

const server = useServer({ env: UNLIMITED })

it.concurrent('[A2.3] [C6] auth sent again refreshes: auth_ok with the new claims, rooms kept', async () => {
  const client = await user(server, 'renewer', { name: 'Before' })
  await client.ok('room:join', { roomId: 'renewed' })
  client.send({ type: 'auth', token: token({ sub: 'renewer', name: 'After', role: 'support' }) })
  expect((await client.next('auth_ok')).user).toMatchObject({ sub: 'renewer', name: 'After', role: 'support' })
  await client.ok('chat:message', { roomId: 'renewed', content: 'still a member' })
  expect(await client.next('chat:message')).toMatchObject({ userId: 'renewer', name: 'After' })
})

it.concurrent('[A2.3] a refresh cannot turn one user into another', async () => {
  const client = await user(server, 'only-me')
  client.send({ type: 'auth', token: token({ sub: 'somebody-else' }) })
  const outcome = await Promise.race([
    client.next((f) => f.type === 'error' || f.type === 'auth_ok').catch(() => undefined),
    client.closed,
  ])
  expect((outcome as { type?: string } | undefined)?.type).not.toBe('auth_ok')
})

it.concurrent('[A2.3] a bad refresh is refused, and names no one new', async () => {
  const client = await user(server, 'bad-renewer')
  client.forget()
  client.send({
    type: 'auth',
    token: token({ sub: 'bad-renewer', role: 'admin' }, { secret: 'a wrong secret, but a long one' }),
  })
  const refusal = await Promise.race([client.next('error').catch(() => undefined), client.closed])
  expect(refusal).toBeDefined()
  expect(client.unread('auth_ok')).toEqual([])
})

it.concurrent('[B35] a namespace that asks for a role is lost with the role', async () => {
  const client = await user(server, 'demoted', { role: 'admin' }, '/ws/admin')
  client.send({ type: 'auth', token: token({ sub: 'demoted', role: 'user' }) })
  expect((await client.closed).code).toBe(4003)
})

it.concurrent('[A2.3] auth_expiring comes 30 s before the end, the grace is 30 s, then 4002; a refresh in time stays', {
  timeout: 50_000,
}, async () => {
  const expiresInS = 2
  const dueAt = Date.now() + expiresInS * 1000
  const [lazy, diligent] = await Promise.all(
    ['lazy', 'diligent'].map(async (sub) => {
      const client = dial(server, `/ws?token=${token({ sub }, { expiresInS })}`)
      await client.next('auth_ok')
      return client
    }),
  )
  if (!lazy || !diligent) throw new Error('both connect')
  const expiring = await lazy.next('auth_expiring')
  expect(Math.abs((expiring.ts as number) - dueAt)).toBeLessThan(1500)
  await diligent.next('auth_expiring')
  diligent.send({ type: 'auth', token: token({ sub: 'diligent' }, { expiresInS: 3600 }) })
  await diligent.next('auth_ok')

  const closed = await lazy.closed
  expect(closed).toMatchObject({ code: 4002, reason: expect.stringMatching(/expired/i) })
  expect(Date.now() - dueAt).toBeGreaterThan(28_000)
  expect(Date.now() - dueAt).toBeLessThan(34_000)
  await diligent.settled()
  await diligent.ok('room:join', { roomId: 'kept' })
})

it.concurrent('[A2.3] a token that lasts an hour brings no warning', async () => {
  const client = dial(server, `/ws?token=${token({ sub: 'hourly' }, { expiresInS: 3600 })}`)
  await client.next('auth_ok')
  await client.settled()
  expect(client.unread('auth_expiring')).toEqual([])
})

it.concurrent('[A2.3] a token that outlives the range of timers does not close at once', async () => {
  const client = dial(
    server,
    `/ws?token=${token({ sub: 'methuselah', exp: Math.floor(Date.now() / 1000) + 3_000_000_000 })}`,
  )
  await client.next('auth_ok')
  const month = dial(server, `/ws?token=${token({ sub: 'month' }, { expiresInS: 31 * 24 * 3600 })}`)
  await month.next('auth_ok')
  await client.ok('room:join', { roomId: 'long' })
  await month.ok('room:join', { roomId: 'long' })
  await client.settled()
  expect(client.unread('auth_expiring')).toEqual([])
  expect(month.unread('auth_expiring')).toEqual([])
})

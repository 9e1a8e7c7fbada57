/** Requests that are sent again, to another node: the first answer, and nothing added. */
import { SignJWT } from 'jose'
import { afterAll, describe, expect, it, onTestFinished } from 'vitest'
import { createRoomful, type RoomOptions } from '../../src/index.ts'
import { openPlain } from './plain-client.ts'
import { startRedis } from './server.ts'

const SECRET = 'a secret of at least thirty-two characters'

const redis = await startRedis(['appendonly', 'yes'], ['appendfsync', 'always'])
afterAll(() => redis.stop())

let prefixes = 0

/** Two nodes, with a client of the same user at each. */
async function twoNodes(rooms: RoomOptions = {}) {
  const redisPrefix = `repeats${++prefixes}`
  const checks: string[] = []
  const open = async () => {
    const roomful = createRoomful({
      ...{ data: ':memory:', redisUrl: redis.url, redisPrefix, jwtSecret: SECRET, hosts: ['127.0.0.1'] },
    })
    let runs = 0
    for (const name of ['/plain', '/checked']) {
      const namespace = roomful.namespace(name).room('*', rooms)
      roomful.chat(namespace)
      namespace.on('do', (context) => {
        runs++
        context.append('lobby', 'done')
      })
      if (name === '/checked') {
        namespace.use(({ event }) => {
          if (event !== undefined) checks.push(event)
        })
      }
    }
    const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => roomful.close())
    const jwt = new SignJWT({}).setProtectedHeader({ alg: 'HS256' }).setSubject('ann').setExpirationTime('1h')
    const token = await jwt.sign(new TextEncoder().encode(SECRET))
    const connect = (path: string) => openPlain(url, `/ws${path}?token=${token}`)
    return { connect, runs: () => runs }
  }
  return { nodes: [await open(), await open()] as const, checks }
}

describe('a repeat on another node', () => {
  const message = { roomId: 'lobby', content: 'once', key: 'k1' }

  it('[K1] [G3] of a message gets the first answer, and so does one that would be forbidden by now', async () => {
    let isOpen = true
    const { nodes } = await twoNodes({ allow: { publish: () => isOpen } })
    const [a, b] = [await nodes[0].connect('/plain'), await nodes[1].connect('/plain')]
    const first = await a.ask('message:send', message)
    expect(first.data).toMatchObject({ status: 'ok', seq: 1 })
    expect((await b.ask('message:send', message)).data).toEqual(first.data)
    isOpen = false
    expect((await b.ask('message:send', message)).data).toEqual(first.data)
    expect((await a.ask('message:send', message)).data).toEqual(first.data)
    expect((await b.ask('message:send', { ...message, key: 'k2' })).error).toMatchObject({ code: 'FORBIDDEN' })
    const changed = { ...message, content: 'other' }
    expect((await b.ask('message:send', changed)).error).toMatchObject({ code: 'CONFLICT' })
    isOpen = true
    expect((await b.ask('message:send', changed)).error).toMatchObject({ code: 'CONFLICT' })
    expect((await b.ask('message:send', { ...message, key: 'k2' })).data).toMatchObject({ seq: 2 })
  })

  it('[K1] [G3] of a message passes no check of the application again', async () => {
    const { nodes, checks } = await twoNodes()
    const [a, b] = [await nodes[0].connect('/checked'), await nodes[1].connect('/checked')]
    const first = await a.ask('message:send', message)
    expect((await b.ask('message:send', message)).data).toEqual(first.data)
    expect(checks).toEqual(['message:send'])
  })

  it('[K1] [G3] does not run a handler again that answered nothing', async () => {
    const { nodes } = await twoNodes()
    const [a, b] = [await nodes[0].connect('/plain'), await nodes[1].connect('/plain')]
    const first = await a.ask('do', { key: 'k1' })
    expect((await b.ask('do', { key: 'k1' })).data).toEqual(first.data)
    expect([nodes[0].runs(), nodes[1].runs()]).toEqual([1, 0])
  })

  it('[K1] [G3] is one message when both nodes get it at once', async () => {
    const { nodes } = await twoNodes()
    const [a, b] = [await nodes[0].connect('/plain'), await nodes[1].connect('/plain')]
    const answers = await Promise.all([a, b, a, b].map((client) => client.ask('message:send', message)))
    expect(new Set(answers.map(({ data }) => JSON.stringify(data))).size).toBe(1)
    expect(answers[0]?.data).toMatchObject({ seq: 1 })
  })
})

import { schemaCheck } from '@roomful/protocol/messages'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Declaration } from '../../src/adapters/http/declare.ts'
import { ROUTES } from '../../src/adapters/http/router.ts'
import { WEBHOOK_SECRET } from '../webhooks/receiver.ts'
import { API_KEY, type Serving, serveHttp, tokenOf } from './serving.ts'

let serving: Serving
// biome-ignore lint/suspicious/noExplicitAny: JSON of any shape, looked at by matchers
let document: any
/** Of a connection that is open: nobody knows one beforehand. */
let connectionId = ''
/** A token of a sign-in. */
let signedUp = ''

beforeAll(async () => {
  serving = await serveHttp({ webhookUrl: 'http://localhost:9/hooks', webhookSecret: WEBHOOK_SECRET })
  document = (await serving.get('/api/openapi.json')).body
  const said = { userId: 'ann', name: 'Ann', content: 'hello' }
  await serving.post('/api/server/publish', { roomId: 'lobby', event: 'message:new', data: said }, API_KEY)
  const bob = await serving.connect('bob')
  connectionId = String((await bob.next(({ type }) => type === 'welcome')).id)
  await bob.next(({ type }) => type === 'auth_ok')
  const { body } = await serving.post('/api/users', { username: 'dora', password: 'a long password' })
  signedUp = body.token
})
afterAll(() => serving[Symbol.asyncDispose]())

const declarations = ROUTES.flatMap(({ declaration }) => declaration ?? [])

describe('[X9] /api/openapi.json', () => {
  it('is OpenAPI 3.1', async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document))
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined })
    expect(document.openapi).toBe('3.1.0')
  })

  it('has every route but the page and what the SDK speaks, each under a name of its own', () => {
    const undeclared = ROUTES.filter(({ declaration }) => !declaration).map(({ path }) => path.source)
    expect(undeclared.sort()).toEqual([
      '^\\/client\\.html$',
      ...['poll', 'send', 'sse'].map((path) => `^\\/link\\/${path}$`),
    ])
    const told = Object.entries<object>(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { operationId }]) => ({ route: `${method} ${path}`, operationId })),
    )
    expect(told.map(({ route }) => route).sort()).toEqual(
      declarations.map(({ method, path }) => `${method.toLowerCase()} ${path}`).sort(),
    )
    expect(new Set(told.map(({ operationId }) => operationId)).size).toBe(told.length)
  })

  it('says who may ask, and how each can be refused', () => {
    const publish = document.paths['/api/server/publish'].post
    expect(publish.security).toEqual([{ key: [] }])
    expect(Object.keys(publish.responses)).toEqual(
      expect.arrayContaining(['200', '400', '401', '404', '409', '413', '429', '503']),
    )
    expect(document.paths['/api/rooms'].get.security).toEqual([{ user: [] }])
    expect(document.paths['/health'].get.security).toEqual([])
  })

  it.each(declarations.map((declaration) => [`${declaration.method} ${declaration.path}`, declaration] as const))(
    'its example of %s works, and answer and example are as declared',
    async (_, declaration) => {
      const { status, value } = await ask(declaration)
      expect({ status, value }).toEqual({ status: declaration.status ?? 200, value: expect.anything() })
      const check = schemaCheck(declaration.answer)
      expect(check(value)).toBeUndefined()
      expect(check(declaration.example.answer)).toBeUndefined()
    },
  )
})

async function ask({ method, path, access, example, answerType = 'application/json' }: Declaration) {
  const params: Record<string, string> = { ...example.params, connectionId }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const query = new URLSearchParams(example.query).toString()
  const userToken = path === '/api/session/refresh' ? signedUp : tokenOf('ann')
  const auth = access === 'key' || access === 'admin' ? API_KEY : access === 'user' ? userToken : undefined
  const response = await fetch(`${serving.url}${filled}${query === '' ? '' : `?${query}`}`, {
    method,
    headers: auth === undefined ? {} : { authorization: `Bearer ${auth}` },
    ...(method !== 'GET' ? { body: JSON.stringify(example.body ?? {}) } : {}),
  })
  expect(response.headers.get('content-type')).toMatch(new RegExp(`^${answerType}`))
  const { status } = response
  if (answerType === 'application/json') return { status, value: await response.json() }
  const reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array>
  const { value } = await reader.read()
  await reader.cancel()
  return { status, value: new TextDecoder().decode(value) }
}

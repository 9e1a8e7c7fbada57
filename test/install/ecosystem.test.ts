/**
 * The packages around Socket.IO, each installed with this one in the place of `socket.io`, and run with its own client. Only with
 * `INSTALL=all`. docs/socket-io.md lists them.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Project } from './lib/project.ts'

const ALIAS = { dependencies: { 'socket.io': 'npm:@roomful/socket.io@4.8' }, overrides: { 'socket.io': '$socket.io' } }

async function outcome(project: Project, ...args: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr, code } = await project.run('node', args)
  expect(code, stdout + stderr).toBe(0)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

describe('under the name socket.io', () => {
  let project: Project
  beforeAll(async () => {
    project = new Project(ALIAS)
    project.copy('ecosystem')
    await project.install(
      'socket.io-client@4.8.4',
      '@socket.io/admin-ui@0.5.1',
      'bcryptjs@2',
      '@feathersjs/feathers@5.0.50',
      '@feathersjs/socketio@5.0.50',
      '@feathersjs/socketio-client@5.0.50',
      'express@5',
      'express-session@1.19.0',
      'passport@0.7.0',
      'passport-strategy@1',
      'socket.io-msgpack-parser@3.0.2',
      '@opentelemetry/api@1.9.1',
      '@opentelemetry/instrumentation@0.223.0',
      '@opentelemetry/instrumentation-socket.io@0.70.0',
      '@opentelemetry/sdk-trace-node@2.12.1',
    )
  }, 180_000)
  afterAll(() => project.dispose())

  it('@socket.io/admin-ui shows sockets, rooms and events, and moves and disconnects them, with a password and without', async () => {
    const watched = {
      found: { rooms: true, data: { colour: 'red' }, transport: 'websocket' },
      received: ['/', true, ['hello', 'there']],
      room: 'chosen',
      text: 'hi',
      gone: [true, 'server namespace disconnect'],
      stats: [['/', '/admin'], true, true],
    }
    expect(await outcome(project, 'ecosystem/admin.mjs')).toMatchObject({
      free: watched,
      durable: watched,
      basic: watched,
      wrong: 'invalid credentials',
      session: 'string',
    })
  })

  it('@feathersjs/socketio serves a service and its real-time events', async () => {
    expect(await outcome(project, 'ecosystem/feathers.mjs')).toEqual({
      websocket: { own: 'websocket', event: 'websocket', found: 1, refused: 'A text, please' },
      polling: { own: 'polling', event: 'polling', found: 2, refused: 'A text, please' },
    })
  })

  it('express-session and passport give a socket its session and user', async () => {
    const seen = { who: ['ann', 'ann'], note: 'hi' }
    expect(await outcome(project, 'ecosystem/passport.mjs')).toEqual({
      websocket: { ...seen, count: 1 },
      polling: { ...seen, count: 2 },
      'polling,websocket': { ...seen, count: 3 },
      stranger: false,
    })
  })

  it('socket.io-msgpack-parser carries bytes and acknowledgements, and its clients come back', async () => {
    const seen = { answer: [0, 1.5, 'text'], message: [0, 1] }
    const back = { ...seen, recovered: [true, { n: 2 }] }
    expect(await outcome(project, 'ecosystem/msgpack.mjs')).toEqual({
      websocket: seen,
      polling: seen,
      recovery: back,
      durable: back,
    })
  })

  it("OpenTelemetry's instrumentation makes spans of what is received, sent to a room and sent to a socket", async () => {
    const { answer, spans } = (await outcome(project, 'ecosystem/opentelemetry.cjs')) as {
      answer: string
      spans: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[]
    }
    expect(answer).toBe('hello')
    const seen = spans.map(({ name, attributes }) => [
      name,
      attributes['messaging.socket.io.event_name'],
      (attributes['messaging.socket.io.rooms'] as string[] | undefined)?.includes('room'),
    ])
    expect(seen).toEqual([
      ['receive /', 'connection', undefined],
      ['send /', 'news', true],
      ['send /', 'own', true],
      ['receive /', 'ask', undefined],
    ])
  })
})

describe.each(['10', '11', '12'])('NestJS %s', (version) => {
  let project: Project
  beforeAll(async () => {
    project = new Project(ALIAS)
    project.copy('ecosystem')
    const names = ['common', 'core', 'websockets', 'platform-express', 'platform-socket.io']
    const own = names.map((name) => `@nestjs/${name}@${version}`)
    await project.install(...own, '@roomful/nestjs', 'rxjs@7', 'reflect-metadata@0.2', 'socket.io-client@4.8.4')
  }, 180_000)
  afterAll(() => project.dispose())

  const seen = { answer: 'said hello', heard: 'hello', doubled: 42, failed: 'Internal server error' }

  it('has its own adapter on this server', async () => {
    expect(await outcome(project, 'ecosystem/nest.mjs', 'io')).toEqual({ nest: version, ...seen })
  })

  it('has Socket.IO clients and a bare WebSocket in one gateway by @roomful/nestjs', async () => {
    const bare = { answer: 'said bare', heard: 'bare' }
    expect(await outcome(project, 'ecosystem/nest.mjs', 'roomful')).toEqual({ nest: version, ...seen, bare })
  })
})

/** What applications can name: the members that are documented, and none of the engine behind them. */
import {
  type Connection,
  type Context,
  createRoomful,
  defineContract,
  type Emitter,
  event,
  type Middleware,
  type Namespace,
  type NamespaceEvents,
  type ProtocolConnection,
  type ProtocolHandler,
  type Roomful,
  type Stored,
  type TypedConnection,
  type TypedContext,
  type TypedNamespace,
} from '@roomful/server'
import { hubOf } from '@roomful/server/testing'
import { createTestServer, type SetUp, type TestServer } from '@roomful/testkit'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

const contract = defineContract({
  client: {
    'task:add': event({ data: z.object({ title: z.string() }), ack: z.object({ seq: z.number() }) }),
    refresh: event({}),
  },
  server: {
    'task:added': event({ data: z.object({ title: z.string() }), durable: true }),
    cursor: event({ data: z.object({ x: z.number() }), volatile: true }),
    confirm: event({ data: z.object({ title: z.string() }), ack: z.boolean() }),
  },
})
type C = typeof contract

/** Never called: these lines are for the compiler. */
const onlyTypes = <Value>(_fn: (value: Value) => unknown): void => undefined

type ConnectionMember = 'id' | 'user' | 'openedAt' | 'ip' | 'userAgent' | 'handshake' | 'data' | 'join' | 'leave'
type ContextMember =
  | 'event'
  | 'state'
  | 'key'
  | 'id'
  | 'user'
  | 'signal'
  | 'account'
  | 'rooms'
  | 'isIn'
  | 'join'
  | 'leave'
  | 'stream'
type NamespaceMember =
  | (
      | 'name'
      | 'extend'
      | 'use'
      | 'room'
      | 'stream'
      | 'roomState'
      | 'redact'
      | 'redactUser'
      | 'isOnline'
      | 'roomUsers'
      | 'userCount'
      | 'hasUser'
    )
  | ('history' | 'listRooms' | 'openRooms' | 'presenceOf' | 'onlineUsers' | 'disconnect' | 'join' | 'leave')
type Sending = 'emit' | 'to' | 'in' | 'except' | 'volatile'

describe('what autocompletion shows to an application', () => {
  it('is these members of a connection, with or without a contract', () => {
    type Expected = ConnectionMember | 'emit' | 'request' | 'call'
    expectTypeOf<keyof Connection>().toEqualTypeOf<Expected>()
    expectTypeOf<keyof TypedConnection<C>>().toEqualTypeOf<Expected>()
  })

  it('is these members of a context', () => {
    type Expected =
      | (ContextMember | 'leaveAll' | 'check' | 'connection' | 'emit' | 'to' | 'toAll' | 'broadcast' | 'toRooms')
      | ('append' | 'publish')
    expectTypeOf<keyof Context>().toEqualTypeOf<Expected>()
    expectTypeOf<keyof TypedContext<C>>().toEqualTypeOf<Expected>()
  })

  it('is these members of a namespace', () => {
    type Expected = NamespaceMember | Sending | 'connections' | 'on' | 'hook' | 'publish'
    expectTypeOf<keyof Namespace>().toEqualTypeOf<Expected>()
    expectTypeOf<keyof TypedNamespace<C>>().toEqualTypeOf<Expected>()
    expectTypeOf<keyof Emitter>().toEqualTypeOf<Sending | 'latest'>()
  })

  it('is these members of a server', () => {
    expectTypeOf<keyof Roomful>().toEqualTypeOf<
      | ('namespace' | 'get' | 'chat' | 'standardNamespaces' | 'protocol' | 'whileOpen' | 'lead' | 'safeHandler')
      | ('ban' | 'unban' | 'createAccount' | 'setRole' | 'recheck' | 'disconnectUser')
      | ('storage' | 'basePath' | 'clock' | 'random' | 'observer')
      | (
          | 'start'
          | 'attach'
          | 'handleRequest'
          | 'handleUpgrade'
          | 'server'
          | 'listen'
          | 'close'
          | typeof Symbol.asyncDispose
        )
    >()
  })
})

describe('what a protocol of an application gets', () => {
  it('is these members of a client, and gives these', () => {
    expectTypeOf<keyof ProtocolConnection>().toEqualTypeOf<
      'roomId' | 'id' | 'user' | 'account' | 'isOpen' | 'isSlow' | 'may' | 'send' | 'close'
    >()
    expectTypeOf<keyof ProtocolHandler>().toEqualTypeOf<'handleMessage' | 'onDrained' | 'onUserChanged' | 'onClosed'>()
  })

  it('can be written without a server: nothing of it is a class', () => {
    const sent: Uint8Array[] = []
    const connection: ProtocolConnection = {
      roomId: 'board',
      id: 'c_1',
      user: { sub: 'ann', name: 'Ann', role: 'user' },
      account: 'ann',
      isOpen: true,
      isSlow: false,
      may: async () => true,
      send: (data) => void sent.push(data),
      close: () => undefined,
    }
    connection.send(new Uint8Array([1]))
    expect(sent).toHaveLength(1)
  })
})

describe('the engine', () => {
  it('is out of reach from what applications hold', () => {
    onlyTypes((roomful: Roomful) => {
      // @ts-expect-error the core
      roomful.hub
      // @ts-expect-error the state of a namespace
      roomful.get('/').state
      // @ts-expect-error the parts that work on requests
      roomful.get('/').requests
      // @ts-expect-error the handlers of Roomful itself
      roomful.get('/').handle('join', () => undefined)
      // @ts-expect-error the same with a contract
      roomful.namespace('/tasks', contract).state
    })
    onlyTypes((context: Context) => {
      // @ts-expect-error what the handler recorded
      context.effects
      // @ts-expect-error taking it over
      context.takeEffects()
      // @ts-expect-error grouping and targets of the room vocabulary
      context.appendWith('general', 'said', [], {})
      // @ts-expect-error the state of the namespace
      context.connection.namespace
      // @ts-expect-error the link
      context.connection.link
      // @ts-expect-error moved by the handshake alone
      context.connection.stage
      // @ts-expect-error changed by the server alone
      context.connection.user = context.user
    })
    onlyTypes((emitter: Emitter) => {
      // @ts-expect-error the effect behind an emit
      emitter.append('said', [])
    })
  })

  it('is not there for a server or namespace that is only shaped like one', async () => {
    await using roomful = createRoomful({ data: ':memory:', port: 0 })
    const namespace = roomful.namespace('/tasks')
    expect(() => roomful.chat({ ...namespace })).toThrow(TypeError)
    expect(() => hubOf({ ...roomful })).toThrow(TypeError)
    expect(hubOf(roomful).namespace('/tasks')).toBe(namespace)
  })
})

describe('what is there', () => {
  it('types handlers, checks and listeners', () => {
    onlyTypes((namespace: Namespace) => {
      const check: Middleware = ({ user, event: name }) => {
        expectTypeOf(user.role).toEqualTypeOf<string>()
        expectTypeOf(name).toEqualTypeOf<string | undefined>()
      }
      expectTypeOf(namespace.use(check).room('team-*', { capacity: 5 })).toEqualTypeOf<Namespace>()
      namespace.on('say', (context, text: string) => {
        expectTypeOf(context).toEqualTypeOf<Context>()
        context.append('general', 'said', text)
        expectTypeOf(context.to('general').except('c_1').volatile).toEqualTypeOf<Emitter>()
        expectTypeOf(context.publish('general', 'said', text)).resolves.toEqualTypeOf<Stored>()
      })
      namespace.hook('connect', (connection) => expectTypeOf(connection).toEqualTypeOf<Connection>())
      expectTypeOf<NamespaceEvents['exit'][1]>().toEqualTypeOf<string>()
    })
  })

  it('types a contract: names, arguments, acknowledgements and what needs one room', () => {
    onlyTypes((roomful: Roomful) => {
      const tasks = roomful.get('/').extend(contract)
      expectTypeOf(tasks).toEqualTypeOf<TypedNamespace<C>>()
      expectTypeOf(tasks.use(() => undefined)).toEqualTypeOf<TypedNamespace<C>>()
      tasks.on('task:add', (context, { title }) => {
        expectTypeOf(context).toEqualTypeOf<TypedContext<C>>()
        context.append('tasks', 'task:added', { title })
        // @ts-expect-error not durable
        context.append('tasks', 'cursor', { x: 1 })
        return ([stored]) => ({ seq: stored?.seq ?? 0 })
      })
      // @ts-expect-error the acknowledgement has a number
      tasks.on('task:add', () => ({ seq: 'one' }))
      tasks.to('tasks').emit('task:added', { title: 'a' })
      // @ts-expect-error durable events need exactly one room
      tasks.to(['tasks', 'more']).emit('task:added', { title: 'a' })
      // @ts-expect-error durable events need exactly one room
      tasks.emit('task:added', { title: 'a' })
      tasks.hook('connect', (connection) => {
        expectTypeOf(connection.request('confirm', { title: 'a' })).resolves.toEqualTypeOf<boolean>()
        // @ts-expect-error no such question
        connection.request('cursor', { x: 1 })
      })
    })
  })

  it('sets up a server and a test server with the same function', async () => {
    const setUp = (roomful: Roomful): void => {
      roomful.namespace('/tasks', contract).on('task:add', (context, { title }) => {
        context.append('tasks', 'task:added', { title })
        return ([stored]) => ({ seq: stored?.seq ?? 0 })
      })
      roomful.chat(roomful.namespace('/talk'))
    }
    expectTypeOf(setUp).toExtend<SetUp>()
    expectTypeOf<TestServer>().toExtend<Roomful>()
    await using roomful = createRoomful({ data: ':memory:', port: 0 })
    setUp(roomful)
    await using server = await createTestServer({ setUp })
    const client = await server.connect({ namespace: '/tasks', user: 'ann' })
    expect(await client.request('task:add', { title: 'a' })).toMatchObject({ data: { seq: 1 } })
    expect([roomful.get('/tasks').isOnline('ann'), server.get('/tasks').isOnline('ann')]).toEqual([false, true])
  })
})

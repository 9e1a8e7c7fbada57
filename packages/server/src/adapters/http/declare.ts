/**
 * Declares a path: its parameters, body, answer, refusals and an example. Requests are checked against the declaration and
 * `/api/openapi.json` is made from it, so the two cannot differ.
 */
import { type ErrorCode, isRoomId } from '@roomful/protocol'
import { schemaCheck } from '@roomful/protocol/messages'
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Identity } from '../../core/ports/authenticator.ts'
import { authenticateAdmin, authenticateKey, authenticateUser } from './authenticate.ts'
import { readJsonBody } from './body.ts'
import { type Exchange, replyJson, wholeNumber } from './exchange.ts'
import type { HttpHost } from './host.ts'

/**
 * Who may ask: anyone, a signed-in user, the holder of the API key, or that holder and any admin. A visitor says so in the
 * URL too, and may be a guest where guests are let in: its transport finds out.
 */
export type Access = 'anyone' | 'user' | 'key' | 'admin' | 'client'

export interface Declaration {
  readonly method: 'GET' | 'POST'
  /** As OpenAPI writes it: `/api/rooms/{roomId}/users`. */
  readonly path: string
  readonly tag: 'status' | 'accounts' | 'rooms' | 'notifications' | 'transports' | 'server' | 'inspection'
  /** A line. */
  readonly summary: string
  /** What else one has to know. */
  readonly description?: string
  readonly access: Access
  /** What stands in the path; a field `roomId` is held against what a room may be called. */
  readonly params?: TObject
  /** Numbers are written in digits. */
  readonly query?: TObject
  readonly body?: TObject
  readonly status?: 200 | 201
  readonly answer: TSchema
  /** Media type of the answer. Default: JSON. */
  readonly answerType?: string
  /** Codes besides those that follow from access, parameters and body. */
  readonly errors?: readonly ErrorCode[]
  /** A request that works, and what it is answered with. */
  readonly example: Example
}

export interface Example {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly answer: unknown
}

/** The fields of a declared part; none when it is not declared. */
export type Given<Part extends TObject | undefined> = Part extends TObject ? Static<Part> : Record<never, never>

/** Which namespace, where a path is about one. */
export const NamespaceName = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 128,
    description: 'Name of the namespace, such as `/support`. Default: `/`.',
  }),
)
/** Whether a name may be a room's is checked by its own rule, which has a code of its own. */
export const RoomName = Type.String({ description: 'The room: 1 to 128 bytes of UTF-8.' })
export const Status = Type.Object({ status: Type.Literal('ok') })
export const OK = { status: 'ok' } as const
/** A misspelt field would be a limit, a key or a condition that silently does not apply. */
export const exact = { additionalProperties: false } as const

/** A path and what answers it. The router finds it, and handles origins, methods and refusals for all of them. */
export interface Route {
  readonly method: 'GET' | 'POST'
  /** First segment of the path, by which the router looks routes up. */
  readonly segment: string
  /** Its groups become `params`, decoded. */
  readonly path: RegExp
  /** What `/api/openapi.json` says of it; pages have none. */
  readonly declaration?: Declaration
  /** Not every server has every path; without it they all do. */
  readonly isServed?: (host: HttpHost) => boolean
  /** Asking is enough to be connected: no page of another site may make a browser do it. */
  readonly opensLink?: true
  answer(exchange: Exchange, host: HttpHost): Promise<void> | void
}

/** A request that was found to be as declared. */
export interface CheckedRequest<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Who asks; empty where anyone may. */
  readonly identity: Identity
  readonly host: HttpHost
  readonly exchange: Exchange
}

type Parts = 'params' | 'query' | 'body'

interface Handling<Params, Query, Body> {
  readonly isServed?: (host: HttpHost) => boolean
  /** Most bytes of a body. Default: 16 KiB. */
  readonly bodyMaxBytes?: (host: HttpHost) => number
  respond(asked: CheckedRequest<Params, Query, Body>): unknown
}

/** @returns a route that does what is declared */
export function endpoint<
  const Params extends TObject | undefined = undefined,
  const Query extends TObject | undefined = undefined,
  const Body extends TObject | undefined = undefined,
>(
  declaration: Omit<Declaration, Parts | 'access'> & {
    readonly access: Exclude<Access, 'client'>
    readonly params?: Params
    readonly query?: Query
    readonly body?: Body
  },
  behaviour: Handling<Given<Params>, Given<Query>, Given<Body>>,
): Route {
  const { method, path, access, status = 200 } = declaration
  const readParams = reader(declaration.params)
  const readQuery = reader(declaration.query)
  const checkBody = declaration.body && checker(declaration.body)
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name as string)
  return {
    method,
    segment: path.split('/')[1] as string,
    path: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '([^/]+)')}$`),
    declaration: declaration as Declaration,
    ...(behaviour.isServed ? { isServed: behaviour.isServed } : {}),
    async answer(exchange, host) {
      const { request, response } = exchange
      const identity = await AUTHENTICATE[access](exchange, host)
      const params = readParams(new URLSearchParams(names.map((name, at) => [name, exchange.params[at] ?? ''])))
      const query = readQuery(exchange.query)
      const body = method === 'POST' ? await readJsonBody(request, behaviour.bodyMaxBytes?.(host)) : {}
      checkBody?.(body)
      const asked = { params, query, body, identity, host, exchange } as CheckedRequest<
        Given<Params>,
        Given<Query>,
        Given<Body>
      >
      const answer = await behaviour.respond(asked)
      if (!response.destroyed) replyJson(response, status, answer)
    },
  }
}

const ANONYMOUS: Identity = { user: Object.freeze({ sub: '', name: '', role: '' }), expiresAt: undefined }

const AUTHENTICATE: Readonly<
  Record<Exclude<Access, 'client'>, (exchange: Exchange, host: HttpHost) => Identity | Promise<Identity>>
> = {
  anyone: () => ANONYMOUS,
  user: authenticateUser,
  key: authenticateKey,
  admin: authenticateAdmin,
}

/** Reads text into what the schema wants. @throws RoomfulError INVALID_MESSAGE, ROOM_NAME_INVALID, naming the parameter */
function reader(schema: TObject | undefined): (given: URLSearchParams) => Record<string, unknown> {
  if (schema === undefined) return () => ({})
  const check = checker(schema)
  const fields = Object.entries(schema.properties)
  return (given) => {
    const read: Record<string, unknown> = {}
    for (const [field, declared] of fields) {
      const text = given.get(field)
      if (text !== null)
        read[field] =
          'type' in declared && declared.type === 'integer' ? wholeNumber(field, text, declared as object) : text
    }
    check(read)
    return read
  }
}

function checker(schema: TObject): (value: Readonly<Record<string, unknown>>) => void {
  const check = schemaCheck(schema)
  const hasRoom = 'roomId' in schema.properties
  return (value) => {
    const issue = check(value)
    if (issue) {
      const field = issue.path.join('.')
      const message = field === '' ? `The body ${issue.message}` : `Field ${field} ${issue.message}`
      throw new RoomfulError('INVALID_MESSAGE', message, { field: field === '' ? undefined : field })
    }
    if (hasRoom && value.roomId !== undefined && !isRoomId(value.roomId)) {
      throw new RoomfulError('ROOM_NAME_INVALID', undefined, { field: 'roomId' })
    }
  }
}

type Shared = 'method' | 'path' | 'tag' | 'access' | 'params' | 'query' | 'body'

/** One path under `/api/server`, which is there when the server has an API key; those for admins also without one, where they may inspect. */
export function server<
  const Params extends TObject | undefined = undefined,
  const Query extends TObject | undefined = undefined,
  const Body extends TObject | undefined = undefined,
>(
  method: Declaration['method'],
  path: string,
  {
    respond,
    bodyMaxBytes,
    isServed,
    ...declaration
  }: Omit<Declaration, Shared> & { params?: Params; query?: Query; body?: Body } & {
    readonly tag?: Declaration['tag']
    readonly access?: 'key' | 'admin'
  } & Pick<Parameters<typeof endpoint<Params, Query, Body>>[1], 'respond' | 'bodyMaxBytes' | 'isServed'>,
): Route {
  return endpoint<Params, Query, Body>(
    { tag: 'server', access: 'key', ...declaration, method, path: `/api/server/${path}` },
    {
      respond,
      ...(bodyMaxBytes ? { bodyMaxBytes } : {}),
      isServed:
        isServed ??
        (({ apiKey, keepsStories }) => apiKey !== undefined || (declaration.access === 'admin' && keepsStories)),
    },
  )
}

/** @throws RoomfulError INVALID_MESSAGE unless exactly one of two fields is given */
export function checkOneOf<Field extends string>(
  body: { readonly [F in Field]?: unknown },
  one: Field,
  other: Field,
): void {
  if ((body[one] === undefined) !== (body[other] === undefined)) return
  throw new RoomfulError('INVALID_MESSAGE', `Give either ${one} or ${other}`, { field: one })
}

/** Where a page of a long list begins, and how long it is. */
export interface ListPage {
  /** What comes behind this one, in the order of code units. */
  readonly after: string
  readonly limit: number
}

export const LIST_MAX = 1_000
export const PageOfList = {
  after: Type.Optional(Type.String({ description: 'The last one of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_MAX, default: LIST_MAX })),
}

/** Those behind `after`, in the order of their ids. */
export function listPage<Item>(
  all: readonly Item[],
  idOf: (item: Item) => string,
  { after, limit }: ListPage,
): { items: Item[]; more: boolean } {
  const found = all.filter((item) => idOf(item) > after)
  const items = found.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1)).slice(0, limit)
  return { items, more: found.length > limit }
}

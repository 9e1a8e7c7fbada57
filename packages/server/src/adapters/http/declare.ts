/**
 * Declares the paths of the HTTP API: parameters, body, answer, errors and an example. Requests are validated against the
 * declaration, and `/api/openapi.json` is generated from it, so the two agree.
 */
import { type ErrorCode, isRoomId } from '@roomful/protocol'
import { schemaCheck } from '@roomful/protocol/messages'
import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Identity } from '../../core/ports/users.ts'
import { authenticateAdmin, authenticateKey, authenticateUser } from './authenticate.ts'
import { readJsonBody } from './body.ts'
import { type Exchange, replyJson, wholeNumber } from './exchange.ts'
import type { HttpHost } from './host.ts'

/**
 * Who may use a path: anyone, a signed-in user, the holder of the API key, or that holder and any admin. `client` is for
 * transports: credentials may also be in the URL, and guests may be allowed.
 */
export type Access = 'anyone' | 'user' | 'key' | 'admin' | 'client'

/** One path of the API. */
export interface Declaration {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** In OpenAPI's notation: `/api/rooms/{roomId}/users`. */
  readonly path: string
  readonly tag: 'status' | 'accounts' | 'rooms' | 'notifications' | 'transports' | 'server' | 'inspection'
  /** One line. */
  readonly summary: string
  /** More than fits into the summary. */
  readonly description?: string
  readonly access: Access
  /** Parameters in the path. A field `roomId` must be a valid room name. */
  readonly params?: TObject
  /** Parameters in the query. Integers are written in digits. */
  readonly query?: TObject
  readonly body?: TObject
  readonly status?: 200 | 201
  readonly answer: TSchema
  /** Media type of the answer. Default: JSON. */
  readonly answerType?: string
  /** Error codes besides those that follow from access, parameters and body. */
  readonly errors?: readonly ErrorCode[]
  /** A valid request and its answer. */
  readonly example: Example
}

/** An example for the documentation. */
export interface Example {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Readonly<Record<string, unknown>>
  readonly answer: unknown
}

/** The type of a declared part; without fields when it is not declared. */
export type Given<Part extends TObject | undefined> = Part extends TObject ? Static<Part> : Record<never, never>

/** Schema of a parameter that names a namespace. */
export const NamespaceName = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 128,
    description: 'Name of the namespace, such as `/support`. Default: `/`.',
  }),
)
/** Schema of a room name. Its characters are checked separately, because that error has its own code. */
export const RoomName = Type.String({ description: 'The room: 1 to 128 bytes of UTF-8.' })
/** Schema of an answer without data. */
export const Status = Type.Object({ status: Type.Literal('ok') })
/** An answer without data. */
/** Part of an answer that other nodes have a part in. */
export const Nodes = {
  nodes: Type.Optional(
    Type.Object(
      { asked: Type.Integer({ minimum: 0 }), answered: Type.Integer({ minimum: 0 }) },
      { description: 'How many other nodes were asked, and answered within a second; left out where there are none.' },
    ),
  ),
}
export const OK = { status: 'ok' } as const
/** For bodies where an unknown field is an error: a misspelt limit or key would otherwise silently not apply. */
export const exact = { additionalProperties: false } as const

/** A path with its handler. The router handles origins, methods and errors for all routes. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** First segment of the path, by which the router looks routes up. */
  readonly segment: string
  /** Its groups become `params`, decoded. */
  readonly path: RegExp
  /** For `/api/openapi.json`; pages have none. */
  readonly declaration?: Declaration
  /** Whether this server has the path. Default: every server does. */
  readonly isServed?: (host: HttpHost) => boolean
  /** The request alone opens a link, so pages of other sites must not be able to cause it. */
  readonly opensLink?: true
  answer(exchange: Exchange, host: HttpHost): Promise<void> | void
}

/** A request that matches its declaration. */
export interface CheckedRequest<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** The authenticated user; empty for paths that anyone may use. */
  readonly identity: Identity
  readonly host: HttpHost
  readonly exchange: Exchange
}

type Parts = 'params' | 'query' | 'body'

interface Handling<Params, Query, Body> {
  readonly isServed?: (host: HttpHost) => boolean
  /** Maximum size of a body. Default: 16 KiB. */
  readonly bodyMaxBytes?: (host: HttpHost) => number
  respond(asked: CheckedRequest<Params, Query, Body>): unknown
}

/** A route that authenticates and validates each request as declared, and answers what `respond` returns. */
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
      const body = method !== 'GET' ? await readJsonBody(request, behaviour.bodyMaxBytes?.(host)) : {}
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

/** Reads parameters as declared. @throws RoomfulError INVALID_MESSAGE, ROOM_NAME_INVALID, naming the parameter */
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

/**
 * A path below `/api/server`. These paths exist when the server has an API key, and those for admins also when the server
 * keeps stories.
 */
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

/** Checks that exactly one of two fields is given. @throws RoomfulError INVALID_MESSAGE */
export function checkOneOf<Field extends string>(
  body: { readonly [F in Field]?: unknown },
  one: Field,
  other: Field,
): void {
  if ((body[one] === undefined) !== (body[other] === undefined)) return
  throw new RoomfulError('INVALID_MESSAGE', `Give either ${one} or ${other}`, { field: one })
}

/** A request for one page of a long list. */
export interface ListPage {
  /** The page begins after this id, in the order of code units. */
  readonly after: string
  readonly limit: number
}

/** Maximum length of a page. */
export const LIST_MAX = 1_000
/** Parameters of a page. */
export const PageOfList = {
  after: Type.Optional(Type.String({ description: 'The last one of the page before.' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: LIST_MAX, default: LIST_MAX })),
}

/** The items after `after`, in the order of their ids. */
export function listPage<Item>(
  all: readonly Item[],
  idOf: (item: Item) => string,
  { after, limit }: ListPage,
): { items: Item[]; more: boolean } {
  const found = all.filter((item) => idOf(item) > after)
  const items = found.sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1)).slice(0, limit)
  return { items, more: found.length > limit }
}

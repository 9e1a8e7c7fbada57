/**
 * Makes a route of a declaration: who asks is found out, what they gave is held against the schemas, and what the route
 * returns is sent as JSON. What it throws becomes the refusal.
 */

import { isRoomId } from '@roomful/protocol'
import { schemaCheck } from '@roomful/protocol/messages'
import type { TObject } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Identity } from '../../core/ports/authenticator.ts'
import { authenticateAdmin, authenticateKey, authenticateUser } from './authenticate.ts'
import { readJsonBody } from './body.ts'
import type { Access, Declaration, Given } from './declaration.ts'
import type { HttpHost } from './host.ts'
import { replyJson } from './reply.ts'
import type { Exchange, Route } from './route.ts'
import { wholeNumber } from './whole-number.ts'

/** A request that was found to be as declared. */
export interface Asked<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Who asks; nobody where anyone may. */
  readonly identity: Identity
  readonly host: HttpHost
  readonly exchange: Exchange
}

type Parts = 'params' | 'query' | 'body'

interface Behaviour<Params, Query, Body> {
  readonly isServed?: (host: HttpHost) => boolean
  /** Most bytes of a body. Default: 16 KiB. */
  readonly bodyMaxBytes?: (host: HttpHost) => number
  respond(asked: Asked<Params, Query, Body>): unknown
}

/** @returns a route that does what is declared */
export function endpoint<
  const Params extends TObject | undefined = undefined,
  const Query extends TObject | undefined = undefined,
  const Body extends TObject | undefined = undefined,
>(
  declaration: Omit<Declaration, Parts | 'access'> & {
    readonly access: Exclude<Access, 'visitor'>
    readonly params?: Params
    readonly query?: Query
    readonly body?: Body
  },
  behaviour: Behaviour<Given<Params>, Given<Query>, Given<Body>>,
): Route {
  const { method, path, access, status = 200 } = declaration
  const readParams = reader(declaration.params)
  const readQuery = reader(declaration.query)
  const checkBody = declaration.body && checker(declaration.body)
  const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name as string)
  return {
    method,
    path: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '([^/]+)')}$`),
    declaration: declaration as Declaration,
    ...(behaviour.isServed ? { isServed: behaviour.isServed } : {}),
    async answer(exchange) {
      const { host, request, response } = exchange
      const identity = await AUTHENTICATE[access](exchange)
      const params = readParams(new URLSearchParams(names.map((name, at) => [name, exchange.params[at] ?? ''])))
      const query = readQuery(exchange.query)
      const body = method === 'POST' ? await readJsonBody(request, behaviour.bodyMaxBytes?.(host)) : {}
      checkBody?.(body)
      const asked = { params, query, body, identity, host, exchange } as Asked<Given<Params>, Given<Query>, Given<Body>>
      const answer = await behaviour.respond(asked)
      if (!response.destroyed) replyJson(response, status, answer)
    },
  }
}

const NOBODY: Identity = { user: Object.freeze({ sub: '', name: '', role: '' }), expiresAt: undefined }

const AUTHENTICATE: Readonly<Record<Exclude<Access, 'visitor'>, (exchange: Exchange) => Identity | Promise<Identity>>> =
  {
    anyone: () => NOBODY,
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

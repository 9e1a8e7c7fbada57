import type { TObject } from 'typebox'
import { RoomfulError } from '../../core/base/errors.ts'
import type { Declaration } from './declaration.ts'
import { endpoint } from './declare.ts'
import type { Route } from './route.ts'

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

/** What a path is answered with. One object per path; `http.ts` finds it and takes care of everything around it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Declaration } from './declaration.ts'
import type { HttpHost } from './host.ts'

export interface Route {
  readonly method: 'GET' | 'POST'
  /** Its groups become `params`, decoded. */
  readonly path: RegExp
  /** What `/api/openapi.json` says of it; pages have none. */
  readonly declaration?: Declaration
  /** Not every server has every path; without it they all do. */
  readonly isServed?: (host: HttpHost) => boolean
  /** Asking is enough to be connected: no page of another site may make a browser do it. */
  readonly opensLink?: true
  answer(exchange: Exchange): Promise<void> | void
}

/** One request on its way to an answer. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly host: HttpHost
  readonly params: readonly string[]
  readonly query: URLSearchParams
  /** The client's address, behind trusted proxies. */
  readonly ip: string
  /** Whose attempts to sign in count together; undefined for this machine, which may be a proxy that hides everyone. */
  readonly countedAddress: string | undefined
}

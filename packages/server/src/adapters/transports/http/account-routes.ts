/** Signing up, signing in, and tickets. WIRE 1 and 2. */
import { readJsonBody } from './body.ts'
import { replyJson } from './reply.ts'
import { authenticate, type Route } from './route.ts'

export const accountRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: /^\/api\/users$/,
    async answer({ request, response, host, countedAddress }) {
      replyJson(response, 201, await host.accounts.signUp(await readJsonBody(request), countedAddress))
    },
  },
  {
    method: 'POST',
    path: /^\/api\/session$/,
    async answer({ request, response, host, countedAddress }) {
      replyJson(response, 200, await host.accounts.signIn(await readJsonBody(request), countedAddress))
    },
  },
  {
    method: 'POST',
    path: /^\/api\/tickets$/,
    async answer(exchange) {
      const identity = await authenticate(exchange)
      await readJsonBody(exchange.request)
      replyJson(exchange.response, 201, { ticket: exchange.host.accounts.issueTicket(identity) })
    },
  },
]

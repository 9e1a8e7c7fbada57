/**
 * Fresh tokens for the session, so that a page which is left open stays signed in: asked for when half of a token's life is
 * over, and at the latest when the server says that it ends. All tabs take over what one of them got.
 */
import type { Client, TokenReason } from '@roomful/client'
import { Refusal, refreshToken } from './accounts.ts'
import { session } from './session.ts'

/** How often the page looks whether it is time; it also does when it is looked at again, or has a network again. */
const LOOK_MS = 60_000
const ENDED = 'Your session has expired. Sign in again.'

/** What one client asks for tokens. */
export function tokenSource(): (reason: TokenReason) => Promise<string | undefined> {
  let given: string | undefined
  return async (reason) => {
    const latest = session.token()
    const isOther = latest !== given
    given = latest
    if (isOther || reason === 'connect' || given === undefined) return given
    if (reason === 'expiring') return renew(given)
    session.end(ENDED) // it was refused, and there is no other
    return undefined
  }
}

/** @returns what ends it */
export function keepFresh(client: Pick<Client, 'serverNow'>): () => void {
  const look = (): void => {
    const token = session.token()
    if (token !== undefined && isHalfOver(token, client.serverNow())) void renew(token) // never rejects
  }
  const timer = setInterval(look, LOOK_MS)
  addEventListener('online', look)
  document.addEventListener('visibilitychange', look)
  return () => {
    clearInterval(timer)
    removeEventListener('online', look)
    document.removeEventListener('visibilitychange', look)
  }
}

let renewal: Promise<string | undefined> | undefined
/** One that the server does not exchange: it was made elsewhere, and holds as long as it does. */
let unexchangeable: string | undefined

/** @returns a fresh token, or nothing when there is none to be had now. Never rejects */
function renew(old: string): Promise<string | undefined> {
  renewal ??= alone(() => exchange(old)).finally(() => {
    renewal = undefined
  })
  return renewal
}

/** One tab after the other, where the browser can see to that. */
function alone<Result>(work: () => Promise<Result>): Promise<Result> {
  return navigator.locks ? navigator.locks.request('commons.session', work) : work()
}

async function exchange(old: string): Promise<string | undefined> {
  if (old === unexchangeable) return undefined
  if (session.token() !== old) return session.token() // another tab was faster
  try {
    const fresh = await refreshToken(old)
    if (session.token() !== old) return session.token() // signed out meanwhile
    session.begin({ kind: 'user', ...fresh })
    return fresh.token
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    if (error.code === 'BANNED') session.end(error.message)
    else if (error.status === 401) session.end(ENDED)
    else if (error.code === 'FORBIDDEN') unexchangeable = old
    return undefined
  }
}

/** @param nowMs by the server's clock, as what is in the token */
function isHalfOver(token: string, nowMs: number): boolean {
  const { iat, exp } = claimsOf(token)
  return typeof iat === 'number' && typeof exp === 'number' && nowMs / 1000 > (iat + exp) / 2
}

function claimsOf(token: string): Record<string, unknown> {
  try {
    const [, payload = ''] = token.split('.')
    return JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')))
  } catch {
    return {}
  }
}

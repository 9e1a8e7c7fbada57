/** Signing up and in, over the server's HTTP API. PROTOCOL.md 12. */
import { suspended } from '../ui/error-sentence.ts'
import { device } from './device.ts'
import type { Account } from './session.ts'

export interface SignedIn {
  readonly token: string
  readonly user: Account
}

/** What the server refused, with its own sentence and the field that is to blame. */
export class Refusal extends Error {
  readonly field: string | undefined
  /** Of the server's catalogue; undefined when it was not the server that refused. */
  readonly code: string | undefined
  readonly status: number | undefined

  constructor(message: string, { field, code, status }: { field?: string; code?: string; status?: number } = {}) {
    super(message)
    this.field = field
    this.code = code
    this.status = status
  }
}

/** @throws Refusal (rejects) with a sentence for the person */
export function signUp(username: string, password: string): Promise<SignedIn> {
  return post('/api/users', { username, password, device: device() })
}

/** @throws Refusal (rejects) with a sentence for the person */
export function signIn(username: string, password: string): Promise<SignedIn> {
  return post('/api/session', { username, password, device: device() })
}

/** @throws Refusal (rejects) with a sentence for the person */
export function refreshToken(token: string): Promise<SignedIn> {
  return post('/api/session/refresh', {}, { authorization: `Bearer ${token}` })
}

async function post(path: string, body: object, more: Readonly<Record<string, string>> = {}): Promise<SignedIn> {
  const headers = { 'content-type': 'application/json', ...more }
  let response: Response
  try {
    response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
  } catch {
    throw new Refusal('Can’t reach the server. Check your connection and try again.')
  }
  const answer = (await response.json().catch(() => ({}))) as SignedIn & {
    error?: { message: string; field?: string; code?: string }
  }
  if (response.ok) return answer
  const { message = 'Something went wrong. Try again in a moment.', ...about } = answer.error ?? {}
  const sentence =
    'code' in about && about.code === 'BANNED' ? suspended(message) : message.replace(/^Authentication failed: w/, 'W')
  throw new Refusal(sentence, { ...about, status: response.status })
}

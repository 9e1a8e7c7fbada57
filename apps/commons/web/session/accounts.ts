/** Signing up and in, over the server's HTTP API. WIRE 1. */
import type { Account } from './session.ts'

export interface SignedIn {
  readonly token: string
  readonly user: Account
}

/** What the server refused, with its own sentence and the field that is to blame. */
export class Refusal extends Error {
  readonly field: string | undefined

  constructor(message: string, field?: string) {
    super(message)
    this.field = field
  }
}

/** @throws Refusal (rejects) with a sentence for the person */
export function signUp(username: string, password: string): Promise<SignedIn> {
  return post('/api/users', { username, password })
}

/** @throws Refusal (rejects) with a sentence for the person */
export function signIn(username: string, password: string): Promise<SignedIn> {
  return post('/api/session', { username, password })
}

async function post(path: string, body: object): Promise<SignedIn> {
  const headers = { 'content-type': 'application/json' }
  let response: Response
  try {
    response = await fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
  } catch {
    throw new Refusal('The server cannot be reached. Check your network and try again.')
  }
  const answer = (await response.json().catch(() => ({}))) as SignedIn & {
    error?: { message: string; field?: string }
  }
  if (response.ok) return answer
  const { message = 'The server could not do that. Try again in a moment.', field } = answer.error ?? {}
  throw new Refusal(message.replace(/^Authentication failed: w/, 'W'), field)
}

/** What admins ask the server over HTTP: the story of a connection, and why a client did or did not see an event. D8. */
import { RoomfulError } from '@roomful/client'
import { session } from '../../web/session/session.ts'

export interface Chapter {
  readonly at: number
  readonly type: string
  readonly [field: string]: unknown
}

export interface Story {
  readonly connection: {
    readonly connectionId: string
    readonly namespace: string
    readonly userId: string
    readonly name: string
    readonly role: string
    readonly ip: string
    readonly userAgent: string
    readonly openedAt: number
  }
  /** Oldest first. */
  readonly chapters: readonly Chapter[]
  /** How many came before them. */
  readonly forgotten: number
  readonly ending: { readonly at: number; readonly reason: string } | null
}

export interface Question {
  readonly namespace: string
  /** The id of a connection or of a user. */
  readonly who: string
  readonly roomId: string
  readonly seq: string
}

export interface Verdict {
  readonly connectionId?: string
  readonly code: string
  readonly message: string
}

export interface Explanation {
  /** Null: it is not in the log. */
  readonly event: {
    readonly type: string
    readonly ts: number
    readonly userId: string | null
    readonly redacted: boolean
  } | null
  readonly verdicts: readonly Verdict[]
}

/** @throws RoomfulError (rejects) NOT_FOUND when nothing is remembered of it */
export function readStory(connectionId: string): Promise<Story> {
  return ask(`connections/${encodeURIComponent(connectionId)}`)
}

/** @throws RoomfulError (rejects), with the field that is to blame */
export function explain(question: Question): Promise<Explanation> {
  return ask(`explain?${new URLSearchParams({ ...question })}`)
}

async function ask<Answer>(path: string): Promise<Answer> {
  const headers = { authorization: `Bearer ${session.token() ?? ''}` }
  const response = await fetch(`/api/server/${path}`, { headers, cache: 'no-store' }).catch(() => {
    throw new RoomfulError('DISCONNECTED', 'The server cannot be reached. Check your network and try again.')
  })
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  if (answer.error) throw RoomfulError.fromWire(answer.error)
  throw new RoomfulError('INTERNAL', `The server could not do that (${response.status}). Try again in a moment.`)
}

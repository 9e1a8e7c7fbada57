/** What admins ask the server over HTTP: who is connected, who has an account, the story of a connection, why a client did or did not see an event. D8. */
import { RoomfulError } from '@roomful/client'
import { session } from '../../web/session/session.ts'
import type { ConnectionInfo, Explanation } from './contract.ts'
import { NAMESPACES } from './namespaces.ts'
import { type ServersReached, silentOf } from './silent-servers.ts'

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

export interface Account {
  readonly userId: string
  readonly name: string
  readonly role: string | null
  readonly isBanned: boolean
  /** What was sent to them. */
  readonly banReason: string | null
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly connections: number
}

export interface AccountPage {
  readonly accounts: readonly Account[]
  readonly more: boolean
  /** What they say of who is online is of the servers that answered. */
  readonly nodes?: ServersReached
}

export interface WebhookDelivery {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly id: string
  readonly namespace: string
  readonly events: number
  readonly types: readonly string[]
  readonly outcome: 'delivered' | 'failed' | 'rejected'
  readonly reason: string
  readonly durationMs: number
}

export interface Webhooks {
  readonly url: string
  readonly pending: number
  readonly delivered: number
  readonly lost: number
  readonly rejected: number
  readonly failure: { readonly reason: string; readonly since: number } | null
  /** The latest first. */
  readonly recent: readonly WebhookDelivery[]
}

const ACCOUNTS_PAGE = 50
/** As many connections as a person can look through. */
const CONNECTIONS_LISTED = 500

/** What is open, as far as the servers say. */
export interface OpenConnections {
  readonly connections: readonly ConnectionInfo[]
  readonly count: number
  /** Servers that did not say which of them are theirs. */
  readonly silent: number
}

interface ConnectionsPage {
  readonly connections: readonly ConnectionInfo[]
  readonly more: boolean
  readonly nodes?: ServersReached
}

/** Those that are open, the newest first. @throws RoomfulError (rejects) */
export async function listConnections(): Promise<OpenConnections> {
  const lists = await Promise.all(NAMESPACES.map(connectionsIn))
  const all = lists.flatMap(({ connections }) => connections).sort((a, b) => b.openedAt - a.openedAt)
  const silent = Math.max(...lists.map((each) => each.silent))
  return { connections: all.slice(0, CONNECTIONS_LISTED), count: all.length, silent }
}

/** Page after page, so that the count is that of all. */
async function connectionsIn(namespace: string): Promise<OpenConnections> {
  const connections: ConnectionInfo[] = []
  let silent = 0
  for (let after = ''; ; after = connections.at(-1)?.connectionId ?? '') {
    const page = await ask<ConnectionsPage>(`connections?${new URLSearchParams({ namespace, after })}`)
    connections.push(...page.connections)
    silent = Math.max(silent, silentOf(page.nodes))
    if (!page.more || page.connections.length === 0) return { connections, count: connections.length, silent }
  }
}

/** @param after the last one of the page before. @throws RoomfulError (rejects) */
export function listAccounts(search: string, after = ''): Promise<AccountPage> {
  return ask(`accounts?${new URLSearchParams({ search, after, limit: String(ACCOUNTS_PAGE) })}`)
}

/** @throws RoomfulError (rejects) NOT_FOUND when nothing is remembered of it */
export function readStory(connectionId: string): Promise<Story> {
  return ask(`connections/${encodeURIComponent(connectionId)}`)
}

/** @throws RoomfulError (rejects) NOT_FOUND where there are none */
export function readWebhooks(): Promise<Webhooks> {
  return ask('webhooks')
}

/** @throws RoomfulError (rejects), with the field that is to blame */
export function explain(question: Question): Promise<Explanation> {
  return ask(`explain?${new URLSearchParams({ ...question })}`)
}

/** Has something done. @throws RoomfulError (rejects), with the field that is to blame */
export function tell(path: string, body: object): Promise<unknown> {
  return ask(path, { method: 'POST', body: JSON.stringify(body) })
}

async function ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  const headers = { authorization: `Bearer ${session.token() ?? ''}` }
  const response = await fetch(`/api/server/${path}`, { ...init, headers, cache: 'no-store' }).catch(() => {
    throw new RoomfulError('DISCONNECTED', 'Can’t reach the server. Check your connection and try again.')
  })
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  if (answer.error) throw RoomfulError.fromWire(answer.error)
  throw new RoomfulError('INTERNAL', `Something went wrong (${response.status}). Try again in a moment.`)
}

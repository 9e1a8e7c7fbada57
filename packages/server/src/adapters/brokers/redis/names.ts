/** Names of keys and channels in Redis: everything of a namespace has one hash tag, so that one node of a Cluster holds it. */
import { createHash } from 'node:crypto'

export const DEFAULT_PREFIX = 'roomful'

export interface Names {
  /** Before every key of the namespace. */
  readonly prefix: string
  /** The hash that every call begins with; it also tells a Cluster where to go. */
  readonly main: string
  readonly mailbox: (node: string) => string
}

/** What begins with it is on one server of a Cluster. A brace would end the hash tag early. */
export function tagOf(prefix: string, name: string): string {
  return `{${escaped(prefix)}:${escaped(name)}}:`
}

export function namesOf(prefix: string, namespace: string): Names {
  const tag = tagOf(prefix, namespace)
  return { prefix: tag, main: `${tag}ns`, mailbox: (node) => `${tag}mb:${node}` }
}

/** What all namespaces share has a tag of its own. */
export interface ClusterNames {
  /** What calls of the library begin with. */
  readonly main: string
  /** Sorted set of nodes by the end of their leases. */
  readonly members: string
  /** Before the name of a node: its channel for questions and answers. */
  readonly questions: string
  /** By which nodes see that they have the same secret. */
  readonly secret: string
  /** Before everything that is kept of accounts, and of attempts to sign in. */
  readonly accounts: string
  readonly attempts: string
  /** Hash of what runs once: who leads, by which fence, until when. */
  readonly leads: string
}

export function clusterNames(prefix: string): ClusterNames {
  const tag = `{${escaped(prefix)}}:`
  return {
    main: `${tag}ns`,
    members: `${tag}members`,
    questions: `${tag}ask:`,
    secret: `${tag}secret`,
    accounts: `${tag}u:`,
    attempts: `${tag}try:`,
    leads: `${tag}leads`,
  }
}

/** Of servers that share no log. */
export function peerNames(prefix: string) {
  const tag = `{${escaped(prefix)}:socket.io}:`
  return {
    /** Sorted set of servers with their addresses, by the end of their leases. */
    members: `${tag}members`,
    /** Which application they are. */
    application: `${tag}application`,
    secret: `${tag}secret`,
    /** The channel of all. */
    all: `${tag}all`,
    /** That of one. */
    one: (node: string) => `${tag}one:${node}`,
  }
}

function escaped(text: string): string {
  return text.replace(/[%{}\n]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** Characters of a digest: 16 bytes as base64url. */
export function digestOf(scope: string, key: string): string {
  return createHash('sha256').update(`${scope.length} ${scope}${key}`).digest('base64url').slice(0, 22)
}

/** As short as a place in a small hash wants it, and without a blank. */
export function shortPrint(fingerprint: string): string {
  return fingerprint.length <= 22 && !fingerprint.includes(' ')
    ? fingerprint
    : createHash('sha256').update(fingerprint).digest('base64url').slice(0, 16)
}

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/i

/** The second in which a UUIDv7 was made, which says where its key is kept; `''` for any other key. */
export function secondOf(key: string): string {
  if (key.length < 36 || key.charCodeAt(14) !== 0x37 || !UUID_V7.test(key)) return ''
  return String(Math.floor(Number.parseInt(key.slice(0, 8) + key.slice(9, 13), 16) / 1000))
}

/**
 * What went wrong, in words for the person who tried it. The server's own sentences are for those who build on it; those of
 * the features are for people already, and stay as they are.
 */
import { RoomfulError } from '@roomful/client'

const SENTENCES: Readonly<Record<string, string>> = {
  CLOSED: 'The connection was closed. Reload the page to reconnect.',
  DISCONNECTED: 'You lost your connection. Check whether it went through before you try again.',
  EXPIRED: 'This took too long to send. Try again.',
  INTERNAL: 'Something went wrong on our end. Try again in a moment.',
  NOT_CONNECTED: 'You’re offline. Try again when you’re back.',
  NOT_IN_ROOM: 'Join the room first.',
  QUEUE_FULL: 'Too many changes are waiting to be sent. Try again when you’re back online.',
  TIMEOUT: 'The server took too long to respond. Try again.',
  TOKEN_EXPIRED: 'Your session has ended. Sign in again.',
  TOO_LARGE: 'That’s too long to send.',
  TOO_MANY_CONNECTIONS: 'Commons is open in too many tabs or devices here. Close some and try again.',
  UNAVAILABLE: 'The server can’t save anything right now. Try again in a moment.',
}
/** Of codes that features use too: only these wordings are the server's. */
const REPLACED: readonly (readonly [RegExp, string])[] = [
  [/^You are not allowed to do this$/, 'You don’t have permission to do that.'],
  [/^You are not allowed to publish "(.*)"$/, 'You can’t post in #$1.'],
  [/^You are not allowed to \w+ "(.*)"$/, 'You don’t have access to #$1.'],
  [/^This needs the role .*$/, 'You don’t have permission to do that.'],
  [/^You may read this document, not write to it$/, 'You have read access.'],
  [/^The document is full$/, 'This document has reached its size limit.'],
  [/^The document could not be stored.*$/, 'Couldn’t save the document. Try again in a moment.'],
  [/^Too much is open at once.*$/, 'The server is busy. Try again in a moment.'],
  [/^Rate limit exceeded.*$/, 'Too many changes at once. Try again in a moment.'],
  [/^Authentication failed.*$/, 'Your session has ended. Sign in again.'],
  [/^There is nothing here$/, 'This no longer exists.'],
  [/^The room is full$/, 'This room is full.'],
]

export function sentenceOf(error: unknown): string {
  if (!(error instanceof RoomfulError)) return error instanceof Error ? error.message : String(error)
  const { code, message, retryAfterMs } = error
  if (code === 'BANNED') return suspended(message)
  if (code === 'RATE_LIMITED' && /^Rate limit exceeded/.test(message)) return tooFast(retryAfterMs)
  const sentence = SENTENCES[code]
  if (sentence !== undefined) return sentence
  return reworded(message)
}

/** A sentence of the server that comes without a code, such as the reason of a close. */
export function reworded(message: string): string {
  if (/^You are banned/.test(message)) return suspended(message)
  const [pattern, replaced] = REPLACED.find(([each]) => each.test(message)) ?? []
  return pattern && replaced ? message.replace(pattern, replaced) : message
}

/** @param message the server's sentence, with the reason that an administrator gave */
export function suspended(message: string): string {
  const [, reason] = /^You are banned: (.+)$/.exec(message) ?? []
  return `Your account has been suspended.${reason === undefined ? '' : ` Reason: ${reason}`}`
}

function tooFast(retryAfterMs: number | undefined): string {
  const seconds = Math.ceil((retryAfterMs ?? 0) / 1_000)
  if (seconds <= 1) return 'You’re sending messages too fast. Try again in a moment.'
  return `You’re sending messages too fast. Try again in ${seconds} seconds.`
}

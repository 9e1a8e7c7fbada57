/** The connection's state in words for a person. */
import type { ConnectionState } from '@roomful/client'
import { sentenceOf } from './error-sentence.ts'

export interface ConnectionWords {
  readonly word: string
  readonly detail: string
  readonly tone: 'good' | 'warn' | 'bad'
}

export function describeConnection(state: ConnectionState): ConnectionWords {
  switch (state.status) {
    case 'idle':
    case 'connecting':
    case 'authenticating':
      return { word: 'Connecting…', detail: 'Connecting to the server', tone: 'warn' }
    case 'open':
      return { word: 'Online', detail: `Connected as ${state.user.name}`, tone: 'good' }
    case 'draining':
      return { word: 'Restarting…', detail: 'The server is restarting. You’ll be back in a moment.', tone: 'warn' }
    case 'waiting':
      return isOffline()
        ? { word: 'Offline', detail: 'This device is offline', tone: 'bad' }
        : { word: 'Reconnecting…', detail: 'The connection was lost. Trying again.', tone: 'warn' }
    case 'closed':
      return {
        word: 'Disconnected',
        detail: state.ending.error ? sentenceOf(state.ending.error) : 'The connection was closed',
        tone: 'bad',
      }
    default:
      return state satisfies never
  }
}

function isOffline(): boolean {
  return !navigator.onLine
}

/**
 * What a tab and the hub say to each other. A change that an older page would misread needs another version: tabs with
 * different versions do not meet.
 */
import type { TransportName } from '../transports/transport.ts'

/** Part of the name by which tabs find their hub. */
export const TABS_VERSION = 1

/** How the hub connects: the same for all its tabs, since it is part of the name by which they find it. */
export interface HubConfig {
  /** Of the WebSocket. */
  readonly url: string
  readonly transports: readonly TransportName[] | undefined
  readonly timeoutMs: number
}

/** `leave`: the link works, and the session is resumed later. */
export type Manner = 'goodbye' | 'cut' | 'leave'

/** From a tab. `id` names one attempt of one of its clients at a link. */
export type FromTab =
  /** First of all. @property lock that this tab holds for as long as it lives */
  | { readonly type: 'hello'; readonly lock: string; readonly config: HubConfig }
  | { readonly type: 'attach'; readonly id: number }
  | { readonly type: 'send'; readonly id: number; readonly text: string }
  | { readonly type: 'detach'; readonly id: number; readonly manner: Manner }
  /** It has read messages of this size since it last said so. */
  | { readonly type: 'read'; readonly size: number }
  /** The page goes to the browser's cache, from where it may come back. A page that ends releases its lock. */
  | { readonly type: 'away' }
  /** @property at ms since 1970 */
  | { readonly type: 'sign-out'; readonly at: number }

/** From the hub. */
export type FromHub =
  /** @property lock that the hub holds for as long as it lives; missing where its end is seen in another way */
  | { readonly type: 'ready'; readonly lock?: string }
  /** The answer to `attach`. */
  | { readonly type: 'attached'; readonly id: number }
  | { readonly type: 'carrier'; readonly id: number; readonly name: TransportName }
  | { readonly type: 'open'; readonly id: number; readonly channel: number }
  | { readonly type: 'message'; readonly id: number; readonly text: string }
  | { readonly type: 'close'; readonly id: number; readonly code: number; readonly reason: string }
  /** Another tab, or this one, signed out: nothing of its clients is left at the hub. */
  | { readonly type: 'signed-out'; readonly at: number }
  | { readonly type: 'error'; readonly code: string; readonly message: string }

/** What a message takes in the queue of a tab, in bytes, about. */
export function sizeOf(text: string): number {
  return 2 * text.length + 100
}

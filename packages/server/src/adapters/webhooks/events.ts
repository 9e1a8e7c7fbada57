/** The events that a backend is sent, and which of them it wants. docs/webhooks.md. */

/** All types of events, in the order of the documentation. */
export const WEBHOOK_EVENTS = [
  'room.occupied',
  'room.vacated',
  'member.entered',
  'member.exited',
  'event.stored',
  'message.private',
  'user.mentioned',
  'user.banned',
  'user.unbanned',
] as const
export type WebhookEventType = (typeof WEBHOOK_EVENTS)[number]

/** Those that are about an event of a log. */
const OF_LOG: readonly WebhookEventType[] = ['event.stored', 'message.private', 'user.mentioned']
/** Those that are about who is in a room. */
const OF_PRESENCE: readonly WebhookEventType[] = ['room.occupied', 'room.vacated', 'member.entered', 'member.exited']

/** One event of a delivery. */
export interface WebhookEvent {
  /** The same however often it is sent. */
  readonly id: string
  readonly type: WebhookEventType
  /** When it happened: ISO 8601. */
  readonly timestamp: string
  readonly namespace: string
  readonly data: Readonly<Record<string, unknown>>
}

export class Wanted {
  private readonly types: ReadonlySet<string>

  constructor(types: readonly string[]) {
    this.types = new Set(types)
  }

  has(type: WebhookEventType): boolean {
    return this.types.has(type)
  }

  get ofLog(): boolean {
    return OF_LOG.some((type) => this.types.has(type))
  }

  get ofPresence(): boolean {
    return OF_PRESENCE.some((type) => this.types.has(type))
  }
}

/** Settings of webhooks. */
import { WEBHOOK_EVENTS } from '../../adapters/webhooks/events.ts'
import { onOff, optional, setting, text, url, wholeNumber, words } from '../declaration.ts'

export const webhooks = {
  webhookUrl: setting({
    variable: 'ROOMFUL_WEBHOOK_URL',
    type: optional(url),
    default: undefined,
    secret: true,
    sentence:
      'Your backend, which is sent what happens: messages, who is in a room, bans; see docs/webhooks.md. Needs ROOMFUL_WEBHOOK_SECRET.',
  }),
  webhookSecret: setting({
    variable: 'ROOMFUL_WEBHOOK_SECRET',
    type: optional(text),
    default: undefined,
    secret: true,
    sentence:
      'Signs what is sent to ROOMFUL_WEBHOOK_URL, as Standard Webhooks does: whsec_ and 24 to 64 bytes in base64. Several with spaces between them all sign, to change it without a gap.',
  }),
  webhookEvents: setting({
    variable: 'ROOMFUL_WEBHOOK_EVENTS',
    type: words(...WEBHOOK_EVENTS),
    default: WEBHOOK_EVENTS,
    sentence: 'Types of events that are sent.',
  }),
  webhookPrivate: setting({
    variable: 'ROOMFUL_WEBHOOK_PRIVATE',
    type: onOff,
    default: false,
    sentence:
      'Whether ROOMFUL_WEBHOOK_URL may be in a private network. `localhost` always may; link-local addresses never.',
  }),
  webhookQueue: setting({
    variable: 'ROOMFUL_WEBHOOK_QUEUE',
    type: wholeNumber(100, 10_000_000),
    default: 100_000,
    unit: 'events',
    sentence: 'Events of each namespace that are kept for a receiver that is away, and to be sent again.',
  }),
}

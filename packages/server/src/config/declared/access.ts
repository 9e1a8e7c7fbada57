/** Settings of authentication. */
import { CORE_DEFAULTS } from '../../core/base/settings.ts'
import { oneOf, onOff, optional, setting, text, url, wholeNumber } from '../declaration.ts'

export const access = {
  jwtSecret: setting({
    variable: 'JWT_SECRET',
    type: optional(text),
    default: undefined,
    secret: true,
    sentence:
      'Secret that signs tokens (HS256), at least 32 bytes. Without it a random one is stored in ROOMFUL_DATA; with REDIS_URL it is required, and the same on all nodes.',
  }),
  jwtSecretOther: setting({
    variable: 'JWT_SECRET_OTHER',
    type: optional(text),
    default: undefined,
    secret: true,
    sentence:
      'A second secret whose tokens are accepted too, while JWT_SECRET is changed: see docs/operations.md. Needs JWT_SECRET.',
  }),
  jwksUrl: setting({
    variable: 'JWKS_URL',
    type: optional(url),
    default: undefined,
    sentence: 'URL of the public keys of an identity provider, for tokens signed with RS, PS, ES or EdDSA.',
  }),
  identityUrl: setting({
    variable: 'ROOMFUL_IDENTITY_URL',
    type: optional(url),
    default: undefined,
    sentence:
      'Your backend, which is asked who a client is, by its cookies, headers and token; see docs/identity.md. Needs ROOMFUL_IDENTITY_SECRET.',
  }),
  identitySecret: setting({
    variable: 'ROOMFUL_IDENTITY_SECRET',
    type: optional(text),
    default: undefined,
    secret: true,
    sentence: 'Signs what is sent to ROOMFUL_IDENTITY_URL, as Standard Webhooks does.',
  }),
  jwtAudience: setting({
    variable: 'ROOMFUL_JWT_AUDIENCE',
    type: optional(text),
    default: undefined,
    sentence: 'Only tokens for this audience (aud) are accepted.',
  }),
  jwtIssuer: setting({
    variable: 'ROOMFUL_JWT_ISSUER',
    type: optional(text),
    default: undefined,
    sentence: 'Only tokens of this issuer (iss) are accepted.',
  }),
  auth: setting({
    variable: 'ROOMFUL_AUTH',
    type: oneOf('required', 'optional'),
    default: 'required',
    sentence: 'Whether connections need a token; "optional" allows guests in every namespace.',
  }),
  firstMessageAuth: setting({
    variable: 'ROOMFUL_FIRST_MESSAGE_AUTH',
    type: onOff,
    default: CORE_DEFAULTS.firstMessageAuth,
    sentence: 'Whether a connection without a token may send it in its first message.',
  }),
  authReject: setting({
    variable: 'ROOMFUL_AUTH_REJECT',
    type: oneOf('close', 'http'),
    default: 'close',
    sentence:
      'How a bad token is refused: "close" opens the WebSocket and closes it with 4001, "http" answers 401 instead.',
  }),
  authDeadlineMs: setting({
    variable: 'ROOMFUL_AUTH_DEADLINE_MS',
    type: wholeNumber(10, 600_000),
    default: CORE_DEFAULTS.authDeadlineMs,
    unit: 'ms',
    sentence: 'How long a connection may wait before it authenticates.',
  }),
  users: setting({
    variable: 'ROOMFUL_USERS',
    type: oneOf('open', 'strict'),
    default: 'open',
    sentence: 'Whether a valid token of an unknown user creates the user ("open") or is refused ("strict").',
  }),
}

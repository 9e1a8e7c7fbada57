/** Every WebSocket close code in use, once, and what a client does next. PROTOCOL.md 10; RFC 6455 section 7.4. */
export const CLOSE_CODES = {
  NORMAL: { code: 1000, meaning: 'normal closure' },
  GOING_AWAY: { code: 1001, meaning: 'going away' },
  PROTOCOL_ERROR: { code: 1002, meaning: 'protocol error' },
  UNSUPPORTED: { code: 1003, meaning: 'unsupported data' },
  NO_STATUS: { code: 1005, meaning: 'no status received (never sent)' },
  ABNORMAL: { code: 1006, meaning: 'cut off without a close frame (never sent)' },
  INVALID_UTF8: { code: 1007, meaning: 'invalid UTF-8' },
  POLICY: { code: 1008, meaning: 'policy: authentication or abuse' },
  TOO_BIG: { code: 1009, meaning: 'frame too big' },
  EXTENSION_EXPECTED: { code: 1010, meaning: 'extension expected (never sent)' },
  INTERNAL: { code: 1011, meaning: 'internal error' },
  RESTART: { code: 1012, meaning: 'Server shutting down' },
  TRY_LATER: { code: 1013, meaning: 'try again later' },
  AUTH_FAILED: { code: 4001, meaning: 'authentication failed' },
  TOKEN_EXPIRED: { code: 4002, meaning: 'token expired' },
  FORBIDDEN: { code: 4003, meaning: 'forbidden' },
  REPLACED: { code: 4005, meaning: 'replaced by a newer connection of the same session' },
  TOO_SLOW: { code: 4008, meaning: 'too slow; reconnect and resume' },
  KICKED: { code: 4009, meaning: 'disconnected by the server' },
} as const satisfies Record<string, { code: number; meaning: string }>

/** `new-token`: reconnect with other credentials only. */
export type AfterClose = 'stop' | 'reconnect' | 'new-token'

/** Codes after which coming back as before would end as before. Apart from the names, so that a client does not carry those. */
const STOP = [1000, 1002, 1003, 1007, 1008, 1009, 4003, 4005, 4009]
const NEW_TOKEN = [4001, 4002]

/** What a client should do after `code`; any other than the ones above, known or not, means `reconnect`. */
export function afterClose(code: number): AfterClose {
  if (STOP.includes(code)) return 'stop'
  return NEW_TOKEN.includes(code) ? 'new-token' : 'reconnect'
}

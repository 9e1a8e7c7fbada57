/** Every WebSocket close code in use, once, with what a client does next. WIRE 9; RFC 6455 section 7.4. */
export type AfterClose = 'stop' | 'reconnect' | 'new-token'

export const CLOSE_CODES = {
  NORMAL: { code: 1000, next: 'stop', meaning: 'normal closure' },
  GOING_AWAY: { code: 1001, next: 'reconnect', meaning: 'going away' },
  PROTOCOL_ERROR: { code: 1002, next: 'stop', meaning: 'protocol error' },
  UNSUPPORTED: { code: 1003, next: 'stop', meaning: 'unsupported data' },
  NO_STATUS: { code: 1005, next: 'reconnect', meaning: 'no status received (never sent)' },
  ABNORMAL: { code: 1006, next: 'reconnect', meaning: 'cut off without a close frame (never sent)' },
  INVALID_UTF8: { code: 1007, next: 'stop', meaning: 'invalid UTF-8' },
  POLICY: { code: 1008, next: 'stop', meaning: 'policy: authentication or abuse' },
  TOO_BIG: { code: 1009, next: 'stop', meaning: 'frame too big' },
  EXTENSION_EXPECTED: { code: 1010, next: 'reconnect', meaning: 'extension expected (never sent)' },
  INTERNAL: { code: 1011, next: 'reconnect', meaning: 'internal error' },
  RESTART: { code: 1012, next: 'reconnect', meaning: 'Server shutting down' },
  TRY_LATER: { code: 1013, next: 'reconnect', meaning: 'try again later' },
  AUTH_FAILED: { code: 4001, next: 'new-token', meaning: 'authentication failed' },
  TOKEN_EXPIRED: { code: 4002, next: 'new-token', meaning: 'token expired' },
  FORBIDDEN: { code: 4003, next: 'stop', meaning: 'forbidden' },
  REPLACED: { code: 4005, next: 'stop', meaning: 'replaced by a newer connection of the same session' },
  TOO_SLOW: { code: 4008, next: 'reconnect', meaning: 'too slow; reconnect and resume' },
  KICKED: { code: 4009, next: 'stop', meaning: 'disconnected by the server' },
} as const satisfies Record<string, { code: number; next: AfterClose; meaning: string }>

const BY_CODE = new Map<number, AfterClose>(Object.values(CLOSE_CODES).map((entry) => [entry.code, entry.next]))

/** What a client should do after `code`; codes that this protocol does not name mean `reconnect`. */
export function afterClose(code: number): AfterClose {
  return BY_CODE.get(code) ?? 'reconnect'
}

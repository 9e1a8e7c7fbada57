/**
 * The versions of what is on the wire. `plain` is additive only and has no number; `v1` and everything that is stored
 * begin with one. `schemaHash` in the protocol's tests makes any change of a message loud.
 *
 * | version | since | what changed |
 * |---|---|---|
 * | 1 | 0.1.0 | first |
 */
export const PROTOCOL_VERSION = 1

/** WebSocket subprotocol of the dialect for anyone with a WebSocket: one flat JSON object per message. */
export const PLAIN_SUBPROTOCOL = 'roomful.plain'
/** WebSocket subprotocols of the SDK's envelope, newest first: the server takes the first one it knows. */
export const SDK_SUBPROTOCOLS = ['roomful.v1'] as const
/** A subprotocol `bearer.<token>` carries the token; it is never echoed. */
export const BEARER_SUBPROTOCOL_PREFIX = 'bearer.'
/** A subprotocol `link.<secret>` beside v1's: this WebSocket wants to take over a link that HTTP carries. */
export const LINK_SUBPROTOCOL_PREFIX = 'link.'

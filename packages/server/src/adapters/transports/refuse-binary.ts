import { type Inbound, invalid } from '@roomful/protocol'

/** A bare binary frame where nothing declares one. W14. */
export function refuseBinary(): Inbound {
  return invalid(0, 'INVALID_MESSAGE', 'This namespace takes text; send JSON, with bytes as {"$binary":"<base64>"}')
}

/** Reads what a client offers of permessage-deflate. RFC 6455 section 9.1, RFC 7692 section 7.1. */

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

/** An offer that a server can accept. */
export interface DeflateOffer {
  /** The client has this much memory for what the server refers back to, as a power of two; undefined for no limit. */
  readonly windowBits: number | undefined
}

/** zlib compresses with no smaller window than of 9 bits; an offer of 8 is declined. */
const SERVER_WINDOW_BITS = /^(9|1[0-5])$/
const CLIENT_WINDOW_BITS = /^([89]|1[0-5])$/

/** @returns the first acceptable one; undefined for none, and for a header that is not valid */
export function readDeflateOffer(header: string): DeflateOffer | undefined {
  for (const extension of header.split(',')) {
    const [name, ...parameters] = extension.split(';').map((each) => each.trim())
    if (name !== 'permessage-deflate') continue
    const offer = readParameters(parameters)
    if (offer) return offer
  }
  return undefined
}

/** Parameters that are unknown, repeated or not valid make an offer that must be declined. RFC 7692 section 7. */
function readParameters(parameters: readonly string[]): DeflateOffer | undefined {
  const seen = new Set<string>()
  let windowBits: number | undefined
  for (const parameter of parameters) {
    const { name, value } = readParameter(parameter)
    if (seen.has(name)) return undefined
    seen.add(name)
    switch (name) {
      case 'server_no_context_takeover':
      case 'client_no_context_takeover':
        if (value !== undefined) return undefined
        break
      case 'client_max_window_bits':
        if (value !== undefined && !CLIENT_WINDOW_BITS.test(value)) return undefined
        break
      case 'server_max_window_bits':
        if (value === undefined || !SERVER_WINDOW_BITS.test(value)) return undefined
        windowBits = Number(value)
        break
      default:
        return undefined
    }
  }
  return { windowBits }
}

/** `name`, `name=value` or `name="value"`. The name is empty where it is none of them. */
function readParameter(text: string): { name: string; value: string | undefined } {
  const at = text.indexOf('=')
  if (at < 0) return { name: text, value: undefined }
  const said = text.slice(at + 1).trim()
  const value = /^".*"$/.test(said) ? said.slice(1, -1) : said
  return { name: TOKEN.test(value) ? text.slice(0, at).trim() : '', value }
}

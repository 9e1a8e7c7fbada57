/**
 * Which host names belong to this server. In a DNS rebinding attack the name of a page is pointed at this machine after
 * the page was loaded. `Host` and `Origin` then agree, as for a page of this server, so only a list of names detects it.
 */
import type { IncomingMessage } from 'node:http'
import { isIP, type Server, type Socket } from 'node:net'
import { isLoopback } from '../../core/base/limits.ts'

const HOST_HEADER = /^(?:\[([\da-f:.]+)\]|([^\s:@/?#\\[\]]+))(?::\d{1,5})?$/i
const LABEL = /^(?!-)[\p{L}\p{N}_-]{1,63}$/u

/**
 * @param names exact, `*.example.org` for all names below one, or `*`. IP addresses and `localhost` always pass, because
 * DNS does not resolve them
 */
export function isKnownHost(header: string, names: readonly string[]): boolean {
  const [, address, name = ''] = HOST_HEADER.exec(header) ?? []
  if (address !== undefined) return isIP(address) === 6
  const host = name.toLowerCase().replace(/\.$/, '')
  if (isIP(host) === 4 || host === 'localhost' || host.endsWith('.localhost')) return true
  return names.some((known) => {
    if (known === '*') return true
    return known.startsWith('*.') ? host.endsWith(known.slice(1)) : host === known
  })
}

/** A name without a dot, which is not in the public DNS: a machine of the local network, or a tool's placeholder. */
export function isLocalName(header: string): boolean {
  return /^[\w-]+(?::\d{1,5})?$/.test(header)
}

/** Whether `ROOMFUL_HOSTS` may contain this. */
export function isHostPattern(pattern: string): boolean {
  if (pattern === '*' || isIP(pattern) !== 0) return true
  const name = pattern.startsWith('*.') ? pattern.slice(2) : pattern
  return name.length <= 253 && name === name.toLowerCase() && name.split('.').every((label) => LABEL.test(label))
}

/** Whether the request's server listens on a loopback address only. */
export function isBoundToLoopback({ socket }: IncomingMessage): boolean {
  const address = (socket as Socket & { readonly server?: Server }).server?.address?.()
  return typeof address === 'object' && address !== null && isLoopback(address.address)
}

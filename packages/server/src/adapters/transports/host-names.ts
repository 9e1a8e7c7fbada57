/**
 * Which names this server answers to. A page whose name was pointed at this machine after it was loaded (DNS rebinding) has
 * its own name in `Host` and in `Origin`, so it looks like this server's own; only a list of names tells them apart.
 */
import type { IncomingMessage } from 'node:http'
import { isIP, type Server, type Socket } from 'node:net'
import { isLoopback } from '../../core/base/limits.ts'

const HOST_HEADER = /^(?:\[([\da-f:.]+)\]|([^\s:@/?#\\[\]]+))(?::\d{1,5})?$/i
const LABEL = /^(?!-)[\p{L}\p{N}_-]{1,63}$/u

/**
 * @param names exact, `*.example.org` for all below a name, or `*`; addresses and `localhost` pass without being named, since
 * the DNS has no say in them
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

/** A name without a dot, which the public DNS does not have: a machine in the next room, or what a tool makes up. */
export function isLocalName(header: string): boolean {
  return /^[\w-]+(?::\d{1,5})?$/.test(header)
}

/** What `ROOMFUL_HOSTS` may list. */
export function isHostPattern(pattern: string): boolean {
  if (pattern === '*' || isIP(pattern) !== 0) return true
  const name = pattern.startsWith('*.') ? pattern.slice(2) : pattern
  return name.length <= 253 && name === name.toLowerCase() && name.split('.').every((label) => LABEL.test(label))
}

/** Whether the server that a request came to listens on this machine's own addresses alone. */
export function isBoundToLoopback({ socket }: IncomingMessage): boolean {
  const address = (socket as Socket & { readonly server?: Server }).server?.address?.()
  return typeof address === 'object' && address !== null && isLoopback(address.address)
}

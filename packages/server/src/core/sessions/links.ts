/** How links come and go, and what arrives on them: each message goes to the connection that it is for. */
import { CLOSE_CODES, type Credentials, type Inbound, MAX_CHANNELS } from '@roomful/protocol'
import { RoomfulError } from '../base/errors.ts'
import { Addresses, addressGroup, isLoopback } from '../base/limits.ts'
import type { Runtime } from '../base/runtime.ts'
import { Link, type LinkListener } from '../link/link.ts'
import type { CatchUp } from '../log/catch-up.ts'
import type { Dialect } from '../ports/dialect.ts'
import type { ClientRequest } from '../ports/users.ts'
import type { Wire } from '../ports/wire.ts'
import type { SharedLimits } from '../state/limits.ts'
import type { Connection } from '../state/namespace-state.ts'
import type { Handshake } from './handshake.ts'
import type { Verified } from './identities.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { NamespaceParts, Namespaces } from './namespaces.ts'
import { welcome } from './welcome.ts'

/** What a transport knows of a link when it opens. */
export interface Arrival {
  readonly wire: Wire
  readonly dialect: Dialect
  readonly ip: string
  readonly userAgent: string
  /** The request by which it came. */
  readonly openingRequest?: ClientRequest | undefined
  /** None for a link whose dialect answers by itself. */
  readonly namespace: NamespaceParts | undefined
  readonly credentials: Credentials
  /** Set when the transport has verified the credentials itself. */
  readonly identity?: Verified | undefined
  /** Set when the link carries HTTP requests; see http-connection.ts. */
  readonly httpMode?: Connection['httpMode']
}

interface LinksParts {
  readonly namespaces: Namespaces
  readonly catchUp: CatchUp
  readonly handshake: Handshake
  readonly lifecycle: Lifecycle
  readonly sharedLimits: SharedLimits
  /** Links are taken; otherwise they are closed at once. */
  readonly isOpen: () => boolean
}

export class Links implements LinkListener<Connection> {
  readonly open = new Set<Link<Connection>>()
  readonly addresses = new Addresses()
  private readonly runtime: Runtime
  private readonly parts: LinksParts

  constructor(runtime: Runtime, parts: LinksParts) {
    this.runtime = runtime
    this.parts = parts
  }

  /** From a transport: a link opened. */
  accept(arrival: Arrival): Link<Connection> {
    const { wire, dialect, ip, userAgent, namespace, credentials, identity, httpMode } = arrival
    const link = new Link<Connection>(this.runtime, this, { wire, dialect, ip, userAgent })
    if (this.runtime.authenticator.readsRequests) link.openingRequest = arrival.openingRequest
    link.defaultNamespace = namespace?.state.name ?? '/'
    this.open.add(link)
    this.runtime.observer.observe({ type: 'link:opened', dialect: dialect.name })
    if (!this.parts.isOpen()) {
      link.close(CLOSE_CODES.RESTART.code, CLOSE_CODES.RESTART.meaning)
      return link
    }
    if (!this.countAddress(link) || !this.countConnect(link, httpMode)) return link
    link.heartbeat.start()
    if (namespace === undefined) return link
    if (dialect.multiplexed) {
      if (Object.keys(credentials).length > 0) link.credentials = credentials
      welcome(this.runtime, link)
      this.parts.handshake.watchChannels(link)
    } else this.parts.handshake.begin(link, namespace, credentials, identity, httpMode)
    return link
  }

  onOpenChannel(link: Link<Connection>, inbound: Extract<Inbound, { kind: 'open' }>): void {
    if (link.connections.length >= MAX_CHANNELS || link.connection(inbound.channel)) {
      const message = `Channel ${inbound.channel} is open already, or more than ${MAX_CHANNELS} are`
      return link.send(link.dialect.fail(inbound.channel, { code: 'INVALID_MESSAGE', message }, undefined, undefined))
    }
    this.parts.handshake.openChannel(link, inbound)
  }

  onSessionConfirmed(connection: Connection): void {
    this.parts.namespaces.of(connection).inboxes.onSessionConfirmed(connection)
  }

  onSlow(link: Link<Connection>): void {
    this.parts.catchUp.onSlow(link)
  }

  onDrained(link: Link<Connection>): void {
    this.parts.catchUp.onDrained(link)
  }

  onClosing(link: Link<Connection>, code: number, reason: string): void {
    for (const connection of [...link.connections]) this.parts.lifecycle.release(connection, code, reason)
    link.owner?.over?.(code, reason)
  }

  onClosed(link: Link<Connection>, code: number, reason: string): void {
    this.onClosing(link, code, reason)
    if (link.countedIp !== undefined) this.addresses.free(link.countedIp)
    this.parts.catchUp.forget(link)
    if (this.open.delete(link)) this.runtime.observer.observe({ type: 'link:closed', dialect: link.dialect.name, code })
  }

  confirmation(link: Link<Connection>): (() => void) | undefined {
    const confirmations: (() => void)[] = []
    for (const connection of link.connections) {
      const confirm = this.parts.namespaces.of(connection).inboxes.confirmation(connection)
      if (confirm) confirmations.push(confirm)
    }
    if (confirmations.length === 0) return undefined
    return () => {
      for (const confirm of confirmations) confirm()
    }
  }

  private countAddress(link: Link<Connection>): boolean {
    const { maxConnectionsPerIp, loopbackExempt } = this.runtime.settings
    if (loopbackExempt && isLoopback(link.ip)) return true
    const group = addressGroup(link.ip)
    if (this.addresses.take(group, maxConnectionsPerIp)) {
      link.countedIp = group
      return true
    }
    const message = `Too many connections from this address: at most ${maxConnectionsPerIp}`
    link.refusal = new RoomfulError('TOO_MANY_CONNECTIONS', message)
    link.fail(0, link.refusal, undefined)
    link.close(CLOSE_CODES.POLICY.code, message)
    this.runtime.observer.observe({ type: 'link:refused', code: 'TOO_MANY_CONNECTIONS', ip: link.ip })
    return false
  }

  /** Counts a new link of its address. Single requests over HTTP have a rate of their own. */
  private countConnect(link: Link<Connection>, httpMode: Arrival['httpMode']): boolean {
    const refusal = httpMode === 'one-shot' ? undefined : this.parts.sharedLimits.takeLink(link.ip)
    if (!refusal) return true
    link.refusal = refusal
    this.runtime.observer.observe({ type: 'link:refused', code: refusal.code, ip: link.ip })
    // A Socket.IO client gets a refusal only in answer to its CONNECT; see handshake.ts.
    if (link.dialect.opensOneByOne) return true
    link.fail(0, refusal, undefined)
    link.close(CLOSE_CODES.TRY_LATER.code, refusal.message)
    return false
  }
}

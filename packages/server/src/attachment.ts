/**
 * Shares an HTTP server with an application. Requests and upgrades for Roomful reach none of the application's listeners,
 * and all others reach them unchanged, whether the listeners were added before Roomful or after it.
 *
 * Only by replacing `emit` can Roomful see an event before every listener. As one of the listeners it would share requests
 * with earlier ones, and a later one, such as a second WebSocket server, could destroy a socket that is in use.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Server as TlsServer } from 'node:tls'
import { expectContinue } from './adapters/transports/http-request.ts'
import { headWithoutOffer, offersHttp2, refuse } from './adapters/transports/upgrade-request.ts'
import { ignoreSocketError } from './adapters/transports/websocket/wire.ts'

/** A service beside the application. */
export interface HttpService {
  /** Answers a request. @returns false when the path is not the service's; then nothing was touched */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean
  /** Whether a request is the service's. */
  ownsRequest(request: IncomingMessage): boolean
  /** Answers an upgrade. @returns false when it is not the service's; then nothing was touched */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  /** Whether an upgrade is the service's. */
  ownsUpgrade(request: IncomingMessage): boolean
  /** Takes an upgrade for which there are no listeners. Without it, such an upgrade is answered as a request. */
  unclaimedUpgrade?(socket: Duplex): void
  /** Answers a request that neither the service nor the application serves. */
  notFound(request: IncomingMessage, response: ServerResponse): void
}

/** An upgrade that no other listener has used after this time is refused. */
const UNWANTED_AFTER_MS = 3_000

type ShouldUpgrade = (this: Server, request: IncomingMessage) => boolean
/** A server of Node 24.9 and later. @see https://nodejs.org/api/http.html */
type UpgradingServer = Server & { shouldUpgradeCallback?: ShouldUpgrade }

/** Listeners without which Node would not emit an event, and replaced `emit` functions, of all services. */
const placeholders = new WeakSet<object>()

/** Attaches a service to a server. @returns a function that detaches it and restores the server */
export function attachService(server: Server, service: HttpService): () => void {
  const placeholder = (): void => undefined
  const hadOwnEmit = Object.hasOwn(server, 'emit')
  const next = server.emit
  let isAttached = true
  const pass = (event: string, ...args: unknown[]): boolean => Reflect.apply(next, server, [event, ...args])
  /** Whether the event has listeners besides this service. */
  const hasOthers = (event: string): boolean =>
    placeholders.has(next) || server.listeners(event).some((listener) => !placeholders.has(listener))

  const onRequest = (request: IncomingMessage, response: ServerResponse): boolean => {
    if (service.handleRequest(request, response)) return true
    if (!pass('request', request, response)) service.notFound(request, response)
    return true
  }
  const onExpectation = (request: IncomingMessage, response: ServerResponse): boolean => {
    expectContinue(request, response)
    if (service.handleRequest(request, response)) return true
    if (hasOthers('checkContinue')) return pass('checkContinue', request, response)
    response.writeContinue()
    return server.emit('request', request, response)
  }
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): boolean => {
    if (service.handleUpgrade(request, socket, head)) return true
    const isRequest = offersHttp2(request) || service.ownsRequest(request)
    if (service.unclaimedUpgrade && !isRequest && !hasOthers('upgrade')) {
      service.unclaimedUpgrade(socket)
      return true
    }
    if (!hasOthers('upgrade') || isRequest) {
      answerWithoutUpgrade(server, request, socket, head)
      return true
    }
    const wasTaken = watchForUse(socket)
    pass('upgrade', request, socket, head)
    setTimeout(() => {
      if (!wasTaken()) refuse(socket, 404, 'There is nothing here that would take this upgrade')
    }, UNWANTED_AFTER_MS).unref()
    return true
  }
  const emit = (event: string, ...args: unknown[]): boolean => {
    if (!isAttached) return pass(event, ...args)
    switch (event) {
      case 'request':
        return onRequest(...(args as Parameters<typeof onRequest>))
      case 'checkContinue':
        return onExpectation(...(args as Parameters<typeof onExpectation>))
      case 'upgrade':
        return onUpgrade(...(args as Parameters<typeof onUpgrade>))
      default:
        return pass(event, ...args)
    }
  }
  placeholders.add(placeholder).add(emit)
  server.emit = emit as Server['emit']
  server.on('upgrade', placeholder).on('checkContinue', placeholder)

  const upgrading: UpgradingServer = server
  const { shouldUpgradeCallback } = upgrading
  const shouldUpgrade: ShouldUpgrade = (request) => {
    if (!isAttached) return shouldUpgradeCallback?.call(server, request) === true
    if (service.ownsUpgrade(request)) return true
    if (offersHttp2(request) || service.ownsRequest(request)) return false
    if (service.unclaimedUpgrade) return true
    return hasOthers('upgrade') && shouldUpgradeCallback?.call(server, request) === true
  }
  if (shouldUpgradeCallback) upgrading.shouldUpgradeCallback = shouldUpgrade

  return () => {
    isAttached = false
    server.off('upgrade', placeholder).off('checkContinue', placeholder)
    // If `emit` was replaced again meanwhile, it stays, and this one only passes events on.
    if (server.emit === (emit as unknown)) {
      if (hadOwnEmit) server.emit = next
      else Reflect.deleteProperty(server, 'emit')
    }
    if (upgrading.shouldUpgradeCallback === shouldUpgrade && shouldUpgradeCallback) {
      upgrading.shouldUpgradeCallback = shouldUpgradeCallback
    }
  }
}

/**
 * Lets the server parse the request again, without its upgrade offer. Needed only on Nodes without `shouldUpgradeCallback`,
 * where every offer becomes an upgrade.
 */
function answerWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.unshift(Buffer.concat([headWithoutOffer(request), head]))
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', socket)
}

/** @returns a function that says whether the socket has been written to, ended or read since */
function watchForUse(socket: Duplex): () => boolean {
  const stateOf = (): string => {
    // Error listeners do not count: Vite adds one before it checks whether an upgrade is its own.
    const listeners = socket.eventNames().map((name) => (name === 'error' ? 0 : socket.listenerCount(name)))
    const { bytesWritten = 0 } = socket as Duplex & { bytesWritten?: number }
    return `${bytesWritten} ${listeners.join()} ${socket.writableLength} ${socket.writableEnded} ${socket.destroyed}`
  }
  socket.on('error', ignoreSocketError) // without a listener, a reset would end the process
  const before = stateOf()
  return () => stateOf() !== before
}

/**
 * Shares an HTTP server with an application. Requests and upgrades that are Roomful's reach none of the application's
 * listeners, and the others reach them untouched, whether the listeners were added before Roomful or after it.
 *
 * An `emit` of its own is the one place that sees an event before every listener: among the listeners an earlier one would
 * answer too, and a later one, such as that of a second WebSocket server, would end a socket that is in use.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Server as TlsServer } from 'node:tls'
import { expectContinue } from './adapters/transports/http-request.ts'
import { headWithoutOffer, offersHttp2, refuse } from './adapters/transports/upgrade-request.ts'
import { ignoreSocketError } from './adapters/transports/websocket/wire.ts'

/** What is served beside the application. */
export interface HttpService {
  /** @returns false when the path is not one of the service's; nothing was touched then */
  handleRequest(request: IncomingMessage, response: ServerResponse): boolean
  ownsRequest(request: IncomingMessage): boolean
  /** @returns false when the upgrade is not the service's; nothing was touched then */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): boolean
  ownsUpgrade(request: IncomingMessage): boolean
  /** Answers what neither the service nor the application has. */
  notFound(request: IncomingMessage, response: ServerResponse): void
}

/** How long another upgrade listener may look at an upgrade before it counts as unwanted. */
const UNWANTED_AFTER_MS = 3_000

type ShouldUpgrade = (this: Server, request: IncomingMessage) => boolean
/** Node 24.9 and later. @see https://nodejs.org/api/http.html */
type UpgradingServer = Server & { shouldUpgradeCallback?: ShouldUpgrade }

/** Listeners that make Node emit an event at all, and `emit` functions, of every service on every server. */
const placeholders = new WeakSet<object>()

/** @returns what detaches the service: the server is as it was then */
export function attachService(server: Server, service: HttpService): () => void {
  const placeholder = (): void => undefined
  const hadOwnEmit = Object.hasOwn(server, 'emit')
  const next = server.emit
  let isAttached = true
  const pass = (event: string, ...args: unknown[]): boolean => Reflect.apply(next, server, [event, ...args])
  /** Whether anything but this service would get the event. */
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
    if (!hasOthers('upgrade') || offersHttp2(request) || service.ownsRequest(request)) {
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
    return hasOthers('upgrade') && shouldUpgradeCallback?.call(server, request) === true
  }
  if (shouldUpgradeCallback) upgrading.shouldUpgradeCallback = shouldUpgrade

  return () => {
    isAttached = false
    server.off('upgrade', placeholder).off('checkContinue', placeholder)
    // What was put around this meanwhile stays, and is passed on to.
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
 * Lets the server read the request again, without its offer. Only where Node has not asked `shouldUpgradeCallback`, which
 * leaves the request where it is.
 */
function answerWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.unshift(Buffer.concat([headWithoutOffer(request), head]))
  server.emit(server instanceof TlsServer ? 'secureConnection' : 'connection', socket)
}

/** @returns what says whether the socket was written to, ended or read since */
function watchForUse(socket: Duplex): () => boolean {
  const stateOf = (): string => {
    // Listeners of errors are no sign: Vite adds one before it looks whether an upgrade is its own.
    const listeners = socket.eventNames().map((name) => (name === 'error' ? 0 : socket.listenerCount(name)))
    const { bytesWritten = 0 } = socket as Duplex & { bytesWritten?: number }
    return `${bytesWritten} ${listeners.join()} ${socket.writableLength} ${socket.writableEnded} ${socket.destroyed}`
  }
  socket.on('error', ignoreSocketError) // while nothing else listens a reset would end the process
  const before = stateOf()
  return () => stateOf() !== before
}

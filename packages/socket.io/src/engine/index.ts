/** `@roomful/socket.io/engine`: the engine without the protocol of Socket.IO above it, with the interface of `engine.io`. */
import { createServer } from 'node:http'
import * as parser from 'engine.io-parser'
import type { AnyHttpServer } from './attach.ts'
import { EngineSocket, TransportView } from './conn.ts'
import type { AttachOptions, EngineOptions } from './options.ts'
import { Engine } from './server.ts'

export type { AttachOptions, EngineOptions as ServerOptions }
export { Engine as Server, EngineSocket as Socket, parser, TransportView as Transport }

export const { protocol } = parser
/** The names of the transports. */
export const transports = { polling: TransportView, websocket: TransportView }

/** Makes an HTTP server that only the engine answers, and lets it listen. */
export function listen(port: number, options: EngineOptions & AttachOptions = {}, listening?: () => void): Engine {
  const isListener = typeof options === 'function'
  const httpServer = createServer((_request, response) => void response.writeHead(501).end('Not Implemented'))
  const engine = attach(httpServer, isListener ? {} : options)
  httpServer.listen(port, isListener ? (options as () => void) : listening)
  return engine
}

/** Makes an engine beside an application on its HTTP server. */
export function attach(httpServer: AnyHttpServer, options: EngineOptions & AttachOptions = {}): Engine {
  const engine = new Engine(options)
  engine.attach(httpServer, options)
  return engine
}

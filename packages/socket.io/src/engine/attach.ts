/** Puts an engine beside an application on its HTTP server. */
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import type { Server as HttpsServer } from 'node:https'
import { attachService } from '@roomful/server/core'
import type { AttachOptions } from './options.ts'
import type { Engine } from './server.ts'

export type AnyHttpServer = HttpServer | HttpsServer | Http2SecureServer | Http2Server

/** Serves requests of its own below the path of an engine, before the engine does. */
export interface BesideEngine {
  owns(request: IncomingMessage): boolean
  serve(request: IncomingMessage, response: ServerResponse): void
}

const DESTROY_UPGRADE_MS = 1_000
const ANY_PATH: BesideEngine = { owns: () => false, serve: () => undefined }

/**
 * The engine takes what begins with its path. Upgrades that it does not take belong to the other listeners; only where there
 * are none does `destroyUpgrade` apply.
 * @returns a function that detaches the engine
 */
export function attachEngine(
  engine: Engine,
  httpServer: AnyHttpServer,
  { path = '/engine.io', addTrailingSlash, destroyUpgrade = true, destroyUpgradeTimeout }: AttachOptions,
  beside: BesideEngine = ANY_PATH,
): () => void {
  const bare = path.replace(/\/$/, '')
  const prefix = addTrailingSlash === false ? bare : `${bare}/`
  const owns = ({ url = '' }: IncomingMessage): boolean => url.startsWith(prefix)
  return attachService(httpServer as HttpServer, {
    handleRequest: (request, response) => {
      if (beside.owns(request)) beside.serve(request, response)
      else if (owns(request)) engine.handleRequest(request, response)
      else return false
      return true
    },
    ownsRequest: (request) => owns(request) || beside.owns(request),
    handleUpgrade: (request, socket, head) => {
      if (!owns(request)) return false
      engine.handleUpgrade(request, socket, head)
      return true
    },
    ownsUpgrade: owns,
    unclaimedUpgrade: (socket) => {
      socket.on('error', () => undefined) // without a listener, a reset would end the process
      if (!destroyUpgrade) return
      setTimeout(() => socket.end(), destroyUpgradeTimeout ?? DESTROY_UPGRADE_MS).unref()
    },
    notFound: (_request, response) => void response.writeHead(404).end(),
  })
}

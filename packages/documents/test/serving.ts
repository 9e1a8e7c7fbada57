/** A server with documents, and official providers for it. */
import { addDocuments, type Documents, type DocumentsOptions } from '@roomful/documents'
import { type Allow, createRoomful, type Roomful } from '@roomful/server'
import { SignJWT } from 'jose'
import { afterEach, vi } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'

export const SECRET = 'a secret that is long enough for HS256'

const cleanups: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** Runs after the test, last one first. */
export function after(cleanup: () => Promise<void> | void): void {
  cleanups.push(cleanup)
}

export interface Serving {
  readonly url: string
  readonly port: number
  readonly roomful: Roomful
  readonly documents: Documents
}

export interface ServeOptions {
  readonly settings?: Parameters<typeof createRoomful>[0]
  readonly documents?: DocumentsOptions
  readonly port?: number
  /** Who may read, who may write. Default: sellers only read. */
  readonly allow?: { join?: Allow; publish?: Allow }
}

export async function serve(options: ServeOptions = {}): Promise<Serving> {
  const { settings, documents: given, port: wanted = 0, allow } = options
  const roomful = createRoomful({ data: ':memory:', jwtSecret: SECRET, ...settings })
  roomful.namespace('/documents').room('*', { allow: allow ?? { publish: ({ role }) => role !== 'seller' } })
  const documents = addDocuments(roomful, '/documents', given)
  after(() => roomful.close())
  const { port } = await roomful.listen({ port: wanted })
  return { url: `ws://localhost:${port}/yjs`, port, roomful, documents }
}

export function tokenOf(sub: string, role = 'user'): Promise<string> {
  const token = new SignJWT({ sub, name: sub, role }).setProtectedHeader({ alg: 'HS256' })
  return token.sign(new TextEncoder().encode(SECRET))
}

export interface Client {
  readonly provider: WebsocketProvider
  readonly doc: Y.Doc
  readonly text: Y.Text
}

export interface ClientOptions {
  readonly name?: string
  readonly role?: string
  readonly doc?: Y.Doc
}

/** The official provider as its README has it; only tabs of one browser are kept from speaking past the server. */
export async function open(url: string, id: string, options: ClientOptions = {}): Promise<Client> {
  const { name = 'ann', role, doc = new Y.Doc() } = options
  const params = { token: await tokenOf(name, role) }
  const provider = new WebsocketProvider(url, id, doc, { params, disableBc: true, maxBackoffTime: 100 })
  after(() => provider.destroy())
  await synced(provider)
  return { provider, doc, text: doc.getText('content') }
}

export async function synced(provider: WebsocketProvider): Promise<void> {
  if (provider.synced) return
  await new Promise<void>((resolve) => {
    provider.on('sync', (isSynced: boolean) => isSynced && resolve())
  })
}

/** Tries until it does not throw. Fails only when it would be a failure on a busy machine too. */
export function eventually<Result>(attempt: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(attempt, { timeout: 8_000, interval: 10 })
}

/** All have the same text in the end. @returns it */
export function converged(...clients: readonly Client[]): Promise<string> {
  return eventually(() => {
    const texts = new Set(clients.map(({ text }) => text.toString()))
    if (texts.size !== 1) throw new Error(`They differ: ${[...texts].join(' | ').slice(0, 500)}`)
    return [...texts][0] as string
  })
}

/** What the server has, read by nobody who wrote it. */
export async function storedText(documents: Documents, id: string): Promise<string> {
  return documents.use(id, (doc) => doc.getText('content').toString())
}

/**
 * Folds documents that have grown long, one after another. Any node may: the fold has a lease in Redis, and writes its
 * snapshot only if the one that it read is still there.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { MergeResponse } from '../merge-worker.ts'
import type { RedisLink } from './link.ts'

const TOKEN_LENGTH = 12

export interface FoldingOptions {
  readonly link: RedisLink
  readonly random: { id(length: number): string }
}

export class Folding {
  private readonly options: FoldingOptions
  private readonly long = new Set<string>()
  private running: Promise<void> = Promise.resolve()
  private worker: Worker | undefined
  private isClosed = false

  constructor(options: FoldingOptions) {
    this.options = options
  }

  /** Soon, and once however often it is asked for meanwhile. */
  soon(id: string): void {
    if (this.long.has(id)) return
    this.long.add(id)
    this.fold(id).catch(() => undefined) // everything is still there, only longer: tried again when it has grown further
  }

  /** Resolves when it is folded, or when another fold of it is under way. */
  fold(id: string): Promise<void> {
    const folded = this.running.then(() => {
      this.long.delete(id)
      return this.foldNow(id)
    })
    this.running = folded.catch(() => undefined)
    return folded
  }

  async close(): Promise<void> {
    this.isClosed = true
    await this.running
    await this.worker?.terminate()
  }

  private async foldNow(id: string): Promise<void> {
    if (this.isClosed) return
    const { link, random } = this.options
    const token = random.id(TOKEN_LENGTH)
    const [status, sv, v, snapshotBytes, , ...updates] = await link.ask('beginFold', [id, token])
    if (String(status) !== 'OK') return
    const read = updates as Buffer[]
    const bytes = read.reduce((sum, { byteLength }) => sum + byteLength, 0) - Number(snapshotBytes)
    const snapshot = await this.merge(read)
    await link.ask('endFold', [id, token, String(sv), String(v), String(bytes), Buffer.from(snapshot)])
  }

  private async merge(updates: readonly Uint8Array[]): Promise<Uint8Array> {
    this.worker ??= this.start()
    this.worker.postMessage(updates)
    const [response] = (await once(this.worker, 'message')) as [MergeResponse]
    if (response.snapshot === undefined) throw new Error(response.error)
    return response.snapshot
  }

  private start(): Worker {
    const file = import.meta.url.endsWith('.ts') ? '../merge-worker.ts' : '../merge-worker.js'
    const worker = new Worker(new URL(file, import.meta.url), { name: 'roomful-documents-fold' })
    worker.unref()
    worker.on('error', () => {
      if (this.worker === worker) this.worker = undefined
    })
    return worker
  }
}

/** What requests cost that are not followed. */
import { Session } from 'node:inspector/promises'
import { createRoomful, type Fact, type Observer, type Trace } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import { JsonClient } from './serving.ts'

const REQUESTS = 200

interface Node {
  readonly callFrame: { readonly url: string; readonly functionName: string }
  readonly selfSize: number
  readonly children: readonly Node[]
}

/** Sends requests one after another. @returns the bytes that the files of tracing allocated, and how often the tracer was looked up */
async function measure(tracer: Observer['tracer']): Promise<{ bytes: number; reads: number; requests: number }> {
  let requests = 0
  const observer = {
    observe: (fact: Fact) => void (fact.type === 'request' && requests++),
    tracer,
  }
  const roomful = createRoomful({ data: ':memory:', observer, ratePerSecond: 0 })
  roomful.namespace('/orders', undefined, { guests: true }).on('buy', (context) => {
    context.append('shop', 'bought', { n: 1 })
    return { status: 'ok' }
  })
  onTestFinished(() => roomful.close())
  const { url } = await roomful.listen({ port: 0, host: '127.0.0.1' })
  const { runtime } = (roomful as unknown as { hub: { runtime: Record<string, unknown> } }).hub
  let reads = 0
  Object.defineProperty(runtime, 'tracer', {
    get: () => {
      reads++
      return tracer
    },
  })
  const ann = await JsonClient.open(url, '/ws/orders?name=Ann')
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.enable')
  reads = 0
  // Every object counts, also those that were collected meanwhile.
  const options = {
    samplingInterval: 1,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  }
  await session.post('HeapProfiler.startSampling', options)
  for (let id = 0; id < REQUESTS; id++) await ann.request({ type: 'buy', id })
  const { profile } = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  const bytesOf = ({ callFrame, selfSize, children }: Node): number =>
    (/(requests\/traced-execution|log\/trace)\.ts/.test(callFrame.url) ? selfSize : 0) +
    children.reduce((sum, child) => sum + bytesOf(child), 0)
  return { bytes: bytesOf(profile.head as Node), reads, requests }
}

it('tests once for each request whether it is followed, and allocates nothing for that', async () => {
  expect(await measure(undefined)).toEqual({ bytes: 0, reads: REQUESTS, requests: REQUESTS })
})

const followingAll = {
  follows: () => true,
  publish: () => undefined,
  delivering: () => undefined,
}

it('allocates nothing for requests that the tracer leaves out', async () => {
  const tracer = { ...followingAll, follows: () => false, request: () => expect.unreachable() }
  expect(await measure(tracer)).toEqual({ bytes: 0, reads: REQUESTS, requests: REQUESTS })
})

it('allocates for requests that are followed, as the same count shows', async () => {
  const trace: Trace = {
    traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`,
    run: (work) => work(),
    submitted: () => undefined,
    delivering: () => undefined,
    ended: () => undefined,
  }
  const { bytes, requests } = await measure({ ...followingAll, request: () => trace })
  expect(requests).toBe(REQUESTS)
  expect(bytes).toBeGreaterThan(REQUESTS * 50)
})

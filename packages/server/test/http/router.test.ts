/** What the router costs the requests that are not Roomful's, which an embedding application sends through it. */
import type { IncomingMessage } from 'node:http'
import { expect, it, vi } from 'vitest'
import type { HttpHost } from '../../src/adapters/http/host.ts'
import { HttpTransport, ROUTES } from '../../src/adapters/http/router.ts'

const router = new HttpTransport({} as HttpHost, {
  crossOrigin: { refusal: () => undefined, setHeaders: () => undefined },
  clientAddress: () => '127.0.0.1',
})

/** Whether a path is Roomful's, and how many patterns that took. */
function look(url: string): { isOwn: boolean; patterns: number } {
  const exec = vi.spyOn(RegExp.prototype, 'exec')
  try {
    const isOwn = router.owns({ url } as IncomingMessage)
    return { isOwn, patterns: exec.mock.calls.length }
  } finally {
    exec.mockRestore()
  }
}

it.each(['/', '/products/7', '/assets/app.js?v=2', '/healthy', '/wsx', '*'])(
  'tries no pattern on a path of the application: %s',
  (url) => {
    expect(look(url)).toEqual({ isOwn: false, patterns: 0 })
  },
)

it('tries only the routes with the same first segment', () => {
  expect(look('/health')).toEqual({ isOwn: true, patterns: 1 })
  expect(look('/sse/public?room=lobby')).toEqual({ isOwn: true, patterns: 1 })
  expect(look('/ws/public')).toEqual({ isOwn: true, patterns: 0 })
  expect(look('/link/other')).toEqual({ isOwn: false, patterns: 3 })
})

it('finds every route by its first segment', () => {
  for (const { path, segment } of ROUTES) {
    expect(path.source.replaceAll('\\', '').replace(/^\^\//, ''), segment).toMatch(
      new RegExp(`^${segment.replaceAll('.', '\\.')}(/|\\$|\\()`),
    )
  }
})

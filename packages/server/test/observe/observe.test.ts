import { describe, expect, it, vi } from 'vitest'
import { Log } from '../../src/adapters/observe/log.ts'
import { type Metrics, openMetrics } from '../../src/adapters/observe/metrics.ts'
import { composeObservers, type LogLevel } from '../../src/adapters/observe/observers.ts'
import type { Fact, Observer } from '../../src/core/ports/observer.ts'
import type { Connection } from '../../src/core/state/namespace-state.ts'

const connection = {
  id: 'c_1',
  ip: '192.0.2.1',
  userAgent: 'agent/1.0 "quoted"\n{"connectionId":"forged"}',
  auth: 'authenticated',
  user: { sub: 'alice', name: 'Alice', role: 'user' },
  namespace: { name: '/' },
} as Connection

const handlerFailed: Fact = {
  type: 'handler:failed',
  namespace: '/',
  event: 'save',
  userId: 'alice',
  connectionId: 'c_1',
  payload: [{ title: 'x', password: 'hush' }],
  error: new Error('broken'),
}

function logged(facts: Fact[], level: LogLevel = 'info'): Record<string, unknown>[] {
  const lines: string[] = []
  const log = new Log(level, { write: (line) => lines.push(line) })
  for (const fact of facts) log.observe(fact)
  expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('Log', () => {
  it('[B32] has one line for each opening and each end', () => {
    const [opened, closed] = logged([
      { type: 'link:opened', dialect: 'plain' },
      { type: 'connection:opened', connection },
      { type: 'connection:closed', connection, reason: '1006', durationMs: 12 },
      { type: 'link:closed', dialect: 'plain', code: 1006 },
    ])
    const about = { connectionId: 'c_1', ip: '192.0.2.1', auth: 'authenticated', userId: 'alice', namespace: '/' }
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
    expect(opened).toMatchObject({ level: 'info', time, msg: 'connection opened', ...about })
    expect(closed).toMatchObject({ time, msg: 'connection closed', ...about, reason: '1006', durationMs: 12 })
    expect(closed?.userAgent).toMatch(/^agent\/1\.0/)
  })

  it('[B38] says of a failed handler who, what and on which payload, without secrets', () => {
    const [line] = logged([handlerFailed])
    expect(line).toMatchObject({
      level: 'error',
      event: 'save',
      userId: 'alice',
      payload: [{ title: 'x', password: '[redacted]' }],
      error: { name: 'Error', message: 'broken', stack: expect.any(String) },
    })
  })

  it('[B32] tells of who was not let in', () => {
    const [failed, refused] = logged([
      { type: 'auth:failed', code: 'TOKEN_EXPIRED', ip: '192.0.2.1', userAgent: 'a', connectionId: 'c_2' },
      { type: 'link:refused', code: 'TOO_MANY_CONNECTIONS', ip: '192.0.2.1' },
    ])
    expect(failed).toMatchObject({ connectionId: 'c_2', auth: 'failed', reason: 'TOKEN_EXPIRED', userAgent: 'a' })
    expect(refused).toMatchObject({ reason: 'TOO_MANY_CONNECTIONS', ip: '192.0.2.1' })
  })

  it('keeps to its level', () => {
    const facts: Fact[] = [
      { type: 'behind', connectionId: 'c_1' },
      { type: 'connection:opened', connection },
      { type: 'notice', message: 'careful', isRisky: true },
      handlerFailed,
    ]
    const messages = (level: LogLevel) => logged(facts, level).map(({ msg }) => msg)
    expect(messages('debug')).toHaveLength(4)
    expect(messages('warn')).toEqual(['careful', 'handler failed'])
    expect(messages('silent')).toEqual([])
  })
})

describe('Metrics', () => {
  it('[C16] count facts under names that end in what they count', async () => {
    const metrics = openMetrics() as Metrics
    const facts: Fact[] = [
      { type: 'link:opened', dialect: 'plain' },
      { type: 'link:opened', dialect: 'plain' },
      { type: 'link:closed', dialect: 'plain', code: 1006 },
      { type: 'connection:opened', connection },
      {
        type: 'request',
        namespace: '/',
        connectionId: 'c_1',
        event: 'message:send',
        ok: true,
        code: undefined,
        durationMs: 3,
      },
      {
        type: 'request',
        namespace: '/',
        connectionId: 'c_1',
        event: 'x',
        ok: false,
        code: 'RATE_LIMITED',
        durationMs: 0.01,
      },
      { type: 'commit', namespace: '/', appended: 7, durationMs: 2 },
      { type: 'fan-out', deliveries: 100, encoded: 1 },
      { type: 'dropped', what: 'volatile', count: 5 },
      handlerFailed,
    ]
    for (const fact of facts) metrics.observe(fact)
    await metrics.text()
    const text = await metrics.text() // a second scrape counts nothing twice
    for (const line of [
      'roomful_links_opened_total{dialect="plain"} 2',
      'roomful_links_closed_total{code="1006"} 1',
      'roomful_connections_opened_total 1',
      'roomful_requests_total{outcome="ok"} 1',
      'roomful_requests_total{outcome="RATE_LIMITED"} 1',
      'roomful_request_seconds_count 2',
      'roomful_request_seconds_bucket{le="0.005"} 2',
      'roomful_commit_seconds_sum 0.002',
      'roomful_events_stored_total 7',
      'roomful_deliveries_total 100',
      'roomful_events_encoded_total 1',
      'roomful_dropped_total{what="volatile"} 5',
      'roomful_handler_failures_total 1',
    ]) {
      expect(text.split('\n')).toContain(line)
    }
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m)
    const names = [...text.matchAll(/^(roomful_\w+)/gm)].map(([, name]) => name)
    expect(names.every((name) => /_(total|seconds|bytes|pending)(_bucket|_sum|_count)?$/.test(name ?? ''))).toBe(true)
  })

  it('[C16] take no label value from a client', async () => {
    const metrics = openMetrics() as Metrics
    for (let i = 0; i < 1_000; i++) {
      metrics.observe({ type: 'link:closed', dialect: 'plain', code: 3_000 + i })
      metrics.observe({
        type: 'request',
        namespace: '/',
        connectionId: 'c_1',
        event: `e${i}`,
        ok: false,
        code: `MINE_${i}`,
        durationMs: 1,
      })
    }
    const text = await metrics.text()
    expect(text).toContain('roomful_links_closed_total{code="other"} 1000')
    expect(text).toContain('roomful_requests_total{outcome="other"} 1000')
    expect(text.split('\n').length).toBeLessThan(500)
    expect(text).not.toMatch(/alice|MINE_/)
  })
})

describe('composeObservers', () => {
  it('tells everyone, and lets the failure of one be its own', () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined)
    const seen: string[] = []
    const good: Observer = { observe: ({ type }) => seen.push(type) }
    const broken: Observer = {
      observe: () => {
        throw new Error('broken observer')
      },
    }
    const all = composeObservers([broken, good, good])
    all.observe({ type: 'drain', links: 1 })
    all.observe({ type: 'drain', links: 1 })
    expect(seen).toEqual(['drain', 'drain', 'drain', 'drain'])
    expect(warn).toHaveBeenCalledOnce()
    expect(warn.mock.calls[0]?.[0]).toBe('An observer failed at drain: broken observer')
    composeObservers([]).observe({ type: 'drain', links: 0 })
    warn.mockRestore()
  })
})

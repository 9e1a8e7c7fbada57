/**
 * The files of deploy/prometheus and deploy/grafana ask for metrics that there are, and docs/operations.md says what to do about
 * each alert. With PROMETHEUS=<path of that program> the queries are put to it, while it scrapes two nodes under load; with
 * DRAW=<file> the panels are drawn too, as a page to look at.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { type CreateOptions, createRoomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../../scripts/lib/cluster/ports.ts'
import { startRedis } from '../../scripts/lib/cluster/redis.ts'
import { drawPanels, type Series } from './draw-panels.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const dashboard = JSON.parse(read('deploy/grafana/roomful.json')) as { readonly panels: readonly Panel[] }
const rulesFile = read('deploy/prometheus/roomful.rules.yml')
const { groups } = parse(rulesFile) as { groups: { rules: { alert: string; expr: string }[] }[] }
const rules = groups.flatMap((group) => group.rules)
const panels = dashboard.panels.filter(({ type }) => type !== 'row')
const queries = panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr })))

async function serve(given: CreateOptions = {}) {
  const roomful = createRoomful({
    data: ':memory:',
    ...given,
    webhookUrl: 'http://localhost:9/hooks',
    webhookSecret: `whsec_${Buffer.alloc(32).toString('base64')}`,
  }).standardNamespaces()
  onTestFinished(() => roomful.close())
  return { roomful, ...(await roomful.listen({ port: 0, host: '127.0.0.1' })) }
}

it('alerts and panels ask for metrics that the server has', async () => {
  const { url } = await serve()
  const text = await (await fetch(`${url}/metrics`)).text()
  const names = new Set(Array.from(text.matchAll(/^# TYPE (\w+) (\w+)/gm), ([, name = '']) => name))
  const used = [...rules, ...queries].flatMap(({ expr }) => expr.match(/\b(?:roomful|nodejs|process)_\w+/g) ?? [])
  expect(used.length).toBeGreaterThan(40)
  const missing = used.filter((name) => !names.has(name) && !names.has(name.replace(/_(?:bucket|sum|count)$/, '')))
  expect(missing).toEqual([])
})

it('each panel has an id and a title of its own', () => {
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
})

it('docs/operations.md says what to do about each alert, in the order of the file', () => {
  const headings = Array.from(read('docs/operations.md').matchAll(/^### (Roomful\w+)$/gm), ([, name]) => name)
  expect(headings).toEqual(rules.map(({ alert }) => alert))
})

const { PROMETHEUS, DRAW } = process.env
if (PROMETHEUS !== undefined) {
  it('a real Prometheus that scrapes two nodes under load answers every query, and each panel has data', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'roomful-prometheus-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const redis = await startRedis({ port: await freePort(), folder, appendfsync: 'off' })
    onTestFinished(() => redis.stop())
    const more = {
      redisUrl: redis.url,
      jwtSecret: 'a secret of at least thirty-two characters',
      ratePerMinute: 0,
    }
    const servers = [await serve(more), await serve(more)]
    const port = await freePort()
    const config = read('deploy/prometheus/prometheus.yml')
      .replaceAll('15s', '1s')
      .replace(/targets: .*/, `targets: ${JSON.stringify(servers.map((server) => `127.0.0.1:${server.port}`))}`)
    writeFileSync(join(folder, 'prometheus.yml'), config)
    writeFileSync(join(folder, 'roomful.rules.yml'), rulesFile)
    const program = spawn(PROMETHEUS, [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`], { stdio: 'ignore' }) // biome-ignore format: one call
    onTestFinished(async () => {
      program.kill()
      await once(program, 'exit')
    })
    for (const { url, roomful } of servers) {
      for (const name of ['Ann', 'Ben']) {
        const client = connect(url, { namespace: '/public', name, transports: ['websocket'] })
        onTestFinished(() => client.close())
        const room = client.room('lobby')
        void room.ready.then(() => {
          const timer = setInterval(() => room.send('load').catch(() => undefined), 200)
          onTestFinished(() => clearInterval(timer))
        })
      }
      const leaving = setInterval(async () => {
        const client = connect(url, { namespace: '/public', name: 'Cy', transports: ['websocket'] })
        await client.room('lobby').ready.catch(() => undefined)
        await client.close()
        await fetch(`${url}/api/rooms`, { headers: { authorization: 'Bearer none' } })
        await roomful.get('/').publish('a', 'note', [{}])
        await trouble(url)
      }, 500)
      onTestFinished(() => clearInterval(leaving))
    }
    // A session of one node that is asked for at the other.
    const [first, second] = servers.map(({ url }) => `${url}/socket.io/?EIO=4&transport=polling`)
    const { sid } = JSON.parse((await (await fetch(first ?? '')).text()).slice(1)) as { sid: string }
    await fetch(`${second}&sid=${sid}`)
    const startedAt = Date.now() / 1000
    const prometheus = async (path: string, expr: string, more: Record<string, string> = {}): Promise<Series[]> => {
      const query = expr
        .replaceAll('$job', 'roomful')
        .replaceAll('$instance', '.*')
        .replaceAll('$__rate_interval', '5s')
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}?${new URLSearchParams({ query, ...more })}`)
      const { status, data, error } = (await response.json()) as {
        status: string
        error?: string
        data?: { result: Series[] }
      }
      expect([query, status, error]).toEqual([query, 'success', undefined])
      return data?.result ?? []
    }
    const ask = (expr: string) => prometheus('query', expr)
    await expect
      .poll(() => ask('sum(up)').catch(() => []), { timeout: 30_000 })
      .toMatchObject([{ value: [expect.anything(), '2'] }])
    for (const { title, targets = [] } of panels) {
      // Of what never happened here there are no series: a slow client, a code of a refusal.
      const answers = async () => (await Promise.all(targets.map(({ expr }) => ask(expr)))).flat()
      await expect.poll(answers, { timeout: 30_000, message: title }).not.toEqual([])
    }
    if (DRAW !== undefined) {
      const scrapes = async () => Number((await ask('min(count_over_time(up[5m]))'))[0]?.value?.[1])
      await expect.poll(scrapes, { timeout: 90_000 }).toBeGreaterThan(40)
      const range = { start: String(startedAt), end: String(Date.now() / 1000), step: '1' }
      const drawn = panels.map(async ({ title, targets = [] }) => ({
        title,
        series: (await Promise.all(targets.map(({ expr }) => prometheus('query_range', expr, range)))).flat(),
      }))
      writeFileSync(DRAW, drawPanels(await Promise.all(drawn)))
    }
    for (const { expr } of rules) await ask(expr)
    const loaded = await (await fetch(`http://127.0.0.1:${port}/api/v1/rules`)).json()
    expect(loaded).toMatchObject({ data: { groups: [{ rules: rules.map(() => ({ health: 'ok' })) }] } })
  }, 180_000)
}

/** What an operator hopes not to see: wrong tokens, too many requests, and too many connections of one address. */
async function trouble(url: string): Promise<void> {
  const wrong = connect(url, { namespace: '/', token: 'no token', transports: ['websocket'], onError: () => undefined })
  const hasty = connect(url, { namespace: '/public', name: 'Dee', transports: ['websocket'], onError: () => undefined })
  for (let i = 0; i < 15; i++) hasty.emit('typing:start', { roomId: 'lobby' })
  await hasty.room('lobby').ready.catch(() => undefined)
  await Promise.all([wrong.close(), hasty.close()])
}

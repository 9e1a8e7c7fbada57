/**
 * The files of deploy/prometheus and deploy/grafana ask for metrics that there are, and docs/operations.md says what to do about
 * each alert. With PROMETHEUS=<path of that program> the queries are put to it, while it scrapes two servers under load.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@roomful/client'
import { createRoomful } from '@roomful/server'
import { expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../../scripts/lib/cluster/ports.ts'

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

async function serve() {
  const roomful = createRoomful({
    data: ':memory:',
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

const { PROMETHEUS } = process.env
if (PROMETHEUS !== undefined) {
  it('a real Prometheus that scrapes two servers under load answers every query', async () => {
    const servers = [await serve(), await serve()]
    const folder = mkdtempSync(join(tmpdir(), 'roomful-prometheus-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
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
      }, 500)
      onTestFinished(() => clearInterval(leaving))
    }
    const ask = async (expr: string): Promise<readonly unknown[]> => {
      const query = expr
        .replaceAll('$job', 'roomful')
        .replaceAll('$instance', '.*')
        .replaceAll('$__rate_interval', '5s')
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`)
      const { status, data, error } = (await response.json()) as {
        status: string
        error?: string
        data?: { result: unknown[] }
      }
      expect([query, status, error]).toEqual([query, 'success', undefined])
      return data?.result ?? []
    }
    await expect
      .poll(() => ask('sum(up)').catch(() => []), { timeout: 30_000 })
      .toMatchObject([{ value: [expect.anything(), '2'] }])
    // Of what never happened here there are no series: another code of a refusal, a node that is gone.
    const QUIET = new Set([
      'Refused credentials',
      'Refused links, connections and rates',
      'Between nodes',
      'Removed and dropped',
    ])
    for (const { title, expr } of queries) {
      if (QUIET.has(title)) await ask(expr)
      else await expect.poll(() => ask(expr), { timeout: 30_000, message: `${title}: ${expr}` }).not.toEqual([])
    }
    for (const { expr } of rules) await ask(expr)
    const loaded = await (await fetch(`http://127.0.0.1:${port}/api/v1/rules`)).json()
    expect(loaded).toMatchObject({ data: { groups: [{ rules: rules.map(() => ({ health: 'ok' })) }] } })
  }, 120_000)
}

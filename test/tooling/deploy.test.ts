/** The files of deploy/ agree with each other and with the settings; test/nginx runs nginx.conf itself. */
import { readdirSync, readFileSync } from 'node:fs'
import { loadSettings } from '@roomful/server'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { SETTINGS } from '../../packages/server/src/config/settings.ts'
import { renderSite } from '../../scripts/lib/cluster/nginx.ts'

interface Service {
  readonly environment?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly networks: readonly string[] | { readonly inside: { readonly ipv4_address: string } }
  readonly volumes: readonly string[]
}

const folder = new URL('../../deploy/', import.meta.url)
const { services, volumes } = parse(readFileSync(new URL('compose.yaml', folder), 'utf8'), { merge: true }) as {
  services: Readonly<Record<'node1' | 'node2' | 'redis' | 'nginx', Service>>
  volumes: Readonly<Record<string, unknown>>
}

it('nginx.compose.conf is nginx.conf for the nodes of compose.yaml; `vitest -u` writes it', async () => {
  const site = renderSite({ upstreams: ['node1:8080', 'node2:8080'], listen: '80' })
  await expect(site).toMatchFileSnapshot('../../deploy/nginx.compose.conf')
  expect(services.nginx.volumes).toEqual(['./nginx.compose.conf:/etc/nginx/conf.d/default.conf:ro'])
})

it('the nodes differ in nothing but their names, believe nginx alone, and have settings that there are', () => {
  const { node1, node2, nginx } = services
  const { environment = {}, ...rest } = node1
  expect(JSON.parse(JSON.stringify(node2).replaceAll('node2', 'node1'))).toEqual({ environment, ...rest })
  expect(nginx.networks).toEqual({ inside: { ipv4_address: environment.TRUST_PROXY } })
  expect(environment.REDIS_URL).toBe('redis://redis:6379')
  const { REDIS_URL, ...others } = environment
  expect(loadSettings({ env: others }).trustProxy).toEqual([environment.TRUST_PROXY])
})

it('Redis keeps what it acknowledged, on a volume, as every part that keeps something', () => {
  const { command = [], volumes: mounted } = services.redis
  const setting = (name: string): unknown => command[command.indexOf(`--${name}`) + 1]
  expect(['appendonly', 'appendfsync', 'maxmemory-policy'].map(setting)).toEqual(['yes', 'always', 'noeviction'])
  expect(mounted).toEqual(['redis:/data'])
  expect(Object.keys(volumes)).toEqual(['commons', 'node1', 'node2', 'redis'])
})

it('the chart has settings that there are, and waits longer for the end than the server takes', () => {
  const chart = (path: string): string => readFileSync(new URL(`helm/roomful/${path}`, folder), 'utf8')
  const values = parse(chart('values.yaml')) as {
    settings: Record<string, string>
    terminationGracePeriodSeconds: number
  }
  const { drainMs } = loadSettings({ env: values.settings })
  expect(values.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(drainMs + 10_000)
  const names = Array.from(chart('templates/deployment.yaml').matchAll(/- name: ([A-Z_]+)$/gm), ([, name = '']) => name)
  const known = new Set(Object.values(SETTINGS).map(({ variable }) => variable))
  expect(names.filter((name) => name !== 'POD_IP' && !known.has(name))).toEqual([])
  for (const file of ['values.yaml', 'templates/deployment.yaml', 'templates/ingress.yaml']) {
    for (const [, name = ''] of chart(file).matchAll(/\b(ROOMFUL_[A-Z_]+|JWT_SECRET|REDIS_URL)\b/g)) {
      expect([...known, 'ROOMFUL_DRAIN_MS'], file).toContain(name)
    }
  }
  const used = new Set(readdirSync(new URL('helm/roomful/templates/', folder)).flatMap((file) => Array.from(chart(`templates/${file}`).matchAll(/\.Values\.(\w+)/g), ([, name]) => name))) // biome-ignore format: one set
  expect([...used].toSorted()).toEqual(Object.keys(values).toSorted())
})

/**
 * The files of deploy/ under the linters that there are for them, and the chart as Go's templates render it with sprig. Each
 * runs where its program is there: `apt-get install yamllint golang-go golang-github-masterminds-sprig-dev`; with LINTS=all
 * npm gets `dockerfilelint` and `dclint`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'

const root = new URL('../../', import.meta.url).pathname
const chart = `${root}deploy/helm/roomful`
const RULES =
  '{extends: default, rules: {document-start: disable, line-length: {max: 150}, braces: {max-spaces-inside: 1}, comments: disable}}'

const hasYamllint = spawnSync('yamllint', ['--version']).status === 0
const hasGo =
  spawnSync('go', ['version']).status === 0 && existsSync('/usr/share/gocode/src/github.com/Masterminds/sprig')

const files = globSync(['deploy/*.yaml', 'deploy/prometheus/*.yml', 'deploy/helm/roomful/*.yaml'], { cwd: root })

it('the files of compose, Prometheus and the values of the chart are YAML', () => {
  expect(files.length).toBeGreaterThan(4)
  for (const file of files) {
    const documents = parseAllDocuments(readFileSync(join(root, file), 'utf8'), { strict: true, uniqueKeys: true })
    expect
      .soft(
        [documents].flat().flatMap(({ errors }) => errors),
        file,
      )
      .toEqual([])
  }
})

function yamllint(files: readonly string[]): string {
  const args = ['--strict', '-f', 'parsable', '-d', RULES, ...files]
  return spawnSync('yamllint', args, { cwd: root, encoding: 'utf8' }).stdout
}

function render(change: Readonly<Record<string, unknown>>): string {
  const read = (file: string) => parse(readFileSync(`${chart}/${file}`, 'utf8')) as Record<string, unknown>
  const { version: Version, appVersion: AppVersion, name: Name } = read('Chart.yaml')
  const input = JSON.stringify({
    Values: { ...read('values.yaml'), ...change },
    Release: { Name: 'chat', Namespace: 'default', Service: 'Helm' },
    Chart: { Name, Version, AppVersion },
  })
  const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' }
  const args = ['run', `${root}test/tooling/render-chart/main.go`, chart]
  const { status, stdout, stderr } = spawnSync('go', args, { env, input, encoding: 'utf8' })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  return stdout
}

if (hasYamllint)
  it('yamllint finds nothing in the files of compose, Prometheus and the values of the chart', () => {
    expect(yamllint(files)).toBe('')
  })

if (hasGo)
  it('the chart renders to what Kubernetes names, as it is and with everything switched on', () => {
    const kindsOf = (text: string): unknown[] =>
      parseAllDocuments(text).flatMap((document) => {
        expect(document.errors).toEqual([])
        const { kind, metadata } = (document.toJS() ?? {}) as { kind?: string; metadata?: { name?: string } }
        if (kind !== undefined) expect(metadata?.name, kind).toMatch(/^chat/)
        return kind === undefined ? [] : [kind]
      })
    const plain = render({ existingSecret: 'chat-secrets' })
    expect(kindsOf(plain).sort()).toEqual(['Deployment', 'PodDisruptionBudget', 'Service'])
    const [deployment] = parseAllDocuments(plain)
      .map((document) => document.toJS() as Record<string, never> | null)
      .filter((each) => each?.kind === 'Deployment')
    const [container] = (deployment as unknown as { spec: { template: { spec: { containers: unknown[] } } } }).spec
      .template.spec.containers
    expect(container).toMatchObject({
      envFrom: [{ secretRef: { name: 'chat-secrets' } }],
      readinessProbe: { httpGet: { path: '/ready' } },
      livenessProbe: { httpGet: { path: '/health' } },
    })
    const whole = render({
      existingSecret: 'chat-secrets',
      command: ['npx', 'roomful', 'serve'],
      ingress: {
        enabled: true,
        className: 'nginx',
        host: 'chat.example.org',
        tlsSecret: 'tls',
        annotations: { a: 'b' },
      },
      serviceMonitor: { enabled: true, interval: '15s' },
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'a', operator: 'Exists' }],
    })
    expect(kindsOf(whole).sort()).toEqual(['Deployment', 'Ingress', 'PodDisruptionBudget', 'Service', 'ServiceMonitor'])
  }, 60_000)

if (process.env.LINTS === 'all')
  it('dockerfilelint and dclint find no error', () => {
    const lint = (...args: string[]) => spawnSync('npx', ['--yes', ...args], { cwd: root, encoding: 'utf8' })
    const { stdout } = lint('dockerfilelint@1.8.0', 'deploy/Dockerfile')
    // It knows no `--start-period`, which Docker has had since 17.05.
    expect(stdout).toMatch(/Issues: 1\n\nLine \d+: HEALTHCHECK .*--start-period/)
    const compose = lint('dclint@3.1.0', 'deploy/compose.yaml')
    expect([compose.status, compose.stdout]).toEqual([0, expect.stringContaining('(0 errors')])
  }, 120_000)

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/config/config-error.ts'
import { loadSettings, loadWithOrigins, resolveSettings, type SettingSources } from '../../src/config/load.ts'
import { allSettings } from '../../src/config/settings.ts'

function complaintAbout(sources: SettingSources): string {
  try {
    loadSettings(sources)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message
  }
  throw new Error('The settings were accepted')
}

function configFile(content: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'roomful-config-')), 'roomful.config.json')
  writeFileSync(path, content)
  return path
}

describe('where settings come from', () => {
  it('takes the default, then the file, then the variable, then the flag', () => {
    const file = configFile('{"port": 1001, "drainMs": 1, "deflate": false, "corsOrigin": ["https://a.example"]}')
    const { settings, origins } = loadWithOrigins({
      env: { PORT: '1002', ROOMFUL_RETENTION: '7', HOST: '' },
      argv: ['--port=1003', '--log-level', 'warn'],
      file,
    })
    expect(settings).toMatchObject({ port: 1003, retention: 7, drainMs: 1, host: '127.0.0.1', logLevel: 'warn' })
    expect(settings.corsOrigin).toEqual(['https://a.example'])
    expect([origins.get('port'), origins.get('retention'), origins.get('drainMs'), origins.get('host')]).toEqual([
      '--port',
      'ROOMFUL_RETENTION',
      file,
      'default',
    ])
  })

  it('reads the file that --config names', () => {
    expect(loadSettings({ argv: ['--config', configFile('{"maxRooms": 3}')] }).maxRooms).toBe(3)
  })

  it('completes and checks what a program gives', () => {
    expect(resolveSettings({ port: 0, jwtSecret: undefined })).toMatchObject({ port: 0, maxRooms: 200 })
    expect(() => resolveSettings({ port: -1 })).toThrow('port must be a whole number from 0 to 65535, not -1.')
    expect(() => resolveSettings({ prot: 1 } as object)).toThrow('There is no setting prot. Did you mean port?')
    expect(resolveSettings(loadSettings())).toEqual(loadSettings())
  })

  it('[B33] exempts this machine from the connections of an address until that is set on purpose', () => {
    expect(loadSettings()).toMatchObject({ maxConnectionsPerIp: 50, loopbackExempt: true })
    const explicit = loadSettings({ env: { ROOMFUL_MAX_CONNECTIONS_PER_IP: '50' } })
    expect(explicit).toMatchObject({ maxConnectionsPerIp: 50, loopbackExempt: false })
  })

  it('names variables, flags and keys of one setting alike', () => {
    for (const { name, flag, variable } of allSettings()) {
      const snake = flag.replaceAll('-', '_').toUpperCase()
      expect([snake, `ROOMFUL_${snake}`], name).toContain(variable)
    }
  })
})

describe('what cannot be right stops the start with a sentence', () => {
  const cases: [string, SettingSources, string | RegExp][] = [
    [
      'misspelt variable',
      { env: { ROOMFUL_PONG_TIMOUT_MS: '1' } },
      /no setting ROOMFUL_PONG_TIMOUT_MS\. Did you mean ROOMFUL_PONG_TIMEOUT_MS\?/,
    ],
    ['unknown variable', { env: { ROOMFUL_XYZZY_PLUGH: '1' } }, 'There is no setting ROOMFUL_XYZZY_PLUGH.'],
    ['misspelt flag', { argv: ['--max-room', '1'] }, 'There is no option --max-room. Did you mean --max-rooms?'],
    ['flag without value', { argv: ['--port'] }, /--name=value/],
    ['no flag at all', { argv: ['8080'] }, /Unexpected argument '8080'/],
    ['wrong kind', { env: { PORT: '80a' } }, 'PORT must be a whole number from 0 to 65535, not "80a".'],
    ['out of range', { argv: ['--port=65536'] }, '--port must be a whole number from 0 to 65535, not "65536".'],
    ['not whole', { env: { ROOMFUL_MAX_ROOMS: '1.5' } }, /ROOMFUL_MAX_ROOMS must be a whole number/],
    ['no switch', { env: { ROOMFUL_FIRST_MESSAGE_AUTH: 'maybe' } }, /must be "on" or "off", not "maybe"/],
    ['no such word', { env: { ROOMFUL_AUTH: 'none' } }, 'ROOMFUL_AUTH must be "required" or "optional", not "none".'],
    ['no URL', { env: { JWKS_URL: 'file:///etc/passwd' } }, /JWKS_URL must be a URL that begins with https/],
    ['no origin', { env: { CORS_ORIGIN: 'a.example' } }, /CORS_ORIGIN must be a list/],
    ['an origin with a path', { env: { CORS_ORIGIN: 'https://a.example/' } }, /CORS_ORIGIN must be a list/],
    ['opaque origin', { env: { CORS_ORIGIN: 'null' } }, /CORS_ORIGIN must be a list/],
    ['every origin and one', { env: { CORS_ORIGIN: '*,https://a.example' } }, /write one or the other/],
    ['no proxy', { env: { TRUST_PROXY: 'yes' } }, /TRUST_PROXY must be "off", "on" \(one proxy\), a number/],
    ['a range too wide', { env: { TRUST_PROXY: '10.0.0.0/33' } }, /TRUST_PROXY must be/],
    ['one process too many', { env: { ROOMFUL_WORKERS: '2' } }, /ROOMFUL_WORKERS is 2.*needs REDIS_URL/],
    [
      'Redis without a secret for all nodes',
      { env: { REDIS_URL: 'redis://localhost' } },
      /REDIS_URL is set, but JWT_SECRET is not\. Nodes that share Redis need the same one/,
    ],
    ['a certificate without its key', { env: { ROOMFUL_TLS_CERT: 'c' } }, /ROOMFUL_TLS_KEY is not/],
    ['a key without its certificate', { env: { ROOMFUL_TLS_KEY: 'k' } }, /ROOMFUL_TLS_CERT is not/],
    ['outboxes', { env: { ROOMFUL_OUTBOX_MAX_BYTES: '70000' } }, /ROOMFUL_OUTBOX_MAX_BYTES \(70000/],
    ['no file', { file: '/nowhere/roomful.json' }, 'The config file /nowhere/roomful.json cannot be read (ENOENT).'],
  ]
  it.each(cases)('%s', (_, sources, message) => {
    if (typeof message === 'string') expect(complaintAbout(sources)).toBe(message)
    else expect(complaintAbout(sources)).toMatch(message)
  })

  it('says what is wrong in a config file', () => {
    expect(complaintAbout({ file: configFile('{"port": ') })).toMatch(/is not valid JSON/)
    expect(complaintAbout({ file: configFile('[8080]') })).toMatch(/must hold one JSON object/)
    expect(complaintAbout({ file: configFile('{"prot": 1}') })).toMatch(/no setting prot .*Did you mean port\?/)
    expect(complaintAbout({ file: configFile('{"__proto__": {}}') })).toMatch(/no setting __proto__/)
    expect(complaintAbout({ file: configFile('{"port": true}') })).toMatch(/^port in .* must be a whole number/)
  })

  it('does not repeat a secret', () => {
    expect(complaintAbout({ env: { JWT_SECRET: 'hush\u0000hush' } })).not.toContain('hush')
    expect(complaintAbout({ env: { REDIS_URL: 'redis://u:hush@h' } })).not.toContain('hush')
  })
})

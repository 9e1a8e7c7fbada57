import { describe, expect, it } from 'vitest'
import { isHostPattern, isKnownHost } from '../../src/adapters/transports/host-names.ts'
import { isOriginPattern, matchOrigin } from '../../src/adapters/transports/origin.ts'
import { SETTINGS } from '../../src/config/settings.ts'

const LOCAL = SETTINGS.corsOrigin.default

describe('[C19] [R6] which pages may talk to the server', () => {
  it.each<[string, string | undefined, readonly string[], string]>([
    ['http://localhost', 'app.example', LOCAL, 'named'],
    ['http://localhost:5173', 'app.example', LOCAL, 'named'],
    ['https://localhost:5173', 'app.example', LOCAL, 'named'],
    ['http://127.0.0.1:3000', 'app.example', LOCAL, 'named'],
    ['https://127.0.0.1', '127.0.0.1:2', LOCAL, 'named'],
    ['http://[::1]:3000', 'app.example', LOCAL, 'named'],
    ['https://[::1]:3000', 'app.example', LOCAL, 'named'],
    ['http://app.example', 'app.example', [], 'same'],
    ['https://app.example', 'app.example', [], 'same'],
    ['https://app.example', 'APP.example:443', [], 'same'],
    ['http://app.example:8080', 'app.example:8080', [], 'same'],
    ['http://[::1]:8080', '[::1]:8080', [], 'same'],
    ['https://a.example', 'b.example', ['https://a.example', 'https://c.example'], 'named'],
    ['https://anything.example', 'b.example', ['*'], 'any'],
    ['capacitor://localhost', 'b.example', ['capacitor://localhost'], 'named'],
    ['ionic://localhost:8100', 'b.example', ['ionic://localhost:*'], 'named'],
    ['tauri://localhost', 'b.example', ['*'], 'any'],
    ['app://.', 'b.example', ['app://.'], 'named'],
    ['file://', 'b.example', ['file://'], 'named'],
    ['file://', 'b.example', ['*'], 'any'],
    [
      'chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb',
      'b.example',
      ['chrome-extension://aapbdbdomjkkjkaonfhkkikfgjllcleb'],
      'named',
    ],
    ['moz-extension://0b1f6ad0-7c1b-4c06-9d4b-6c8e6d1e9a55', 'b.example', ['moz-extension://*'], 'any'],
    ['safari-web-extension://8F1C0B3A-1C52-4AE3-9A51-8F3B19F3D2E1', 'b.example', ['*'], 'any'],
  ])('%s at %s passes', (origin, host, allowed, match) => {
    expect(matchOrigin(origin, host, allowed)).toBe(match)
  })

  it.each<[string, string | undefined, readonly string[]]>([
    ['https://evil.example', 'app.example', LOCAL],
    ['null', 'app.example', ['*']],
    ['', 'app.example', ['*']],
    ['rubbish', 'app.example', ['*']],
    ['file:///etc/passwd', 'app.example', ['*']],
    ['https://a.example, https://b.example', 'app.example', ['*']],
    ['capacitor://localhost/path', 'app.example', ['*']],
    ['capacitor://user@localhost', 'app.example', ['*']],
    ['capacitor://', 'app.example', ['*']],
    ['javascript:alert(1)', 'app.example', ['*']],
    ['capacitor://localhost', 'localhost', LOCAL],
    ['tauri://localhost', 'app.example', ['capacitor://localhost']],
    ['tauri://localhost.evil', 'app.example', ['tauri://localhost', 'tauri://localhost:*']],
    ['chrome-extension://abc', 'app.example', ['moz-extension://*']],
    ['http://localhost.evil.example', 'app.example', LOCAL],
    ['http://localhost:1.evil.example', 'app.example', LOCAL],
    ['http://localhost@evil.example', 'app.example', LOCAL],
    ['http://evil.example/http://localhost:1', 'app.example', LOCAL],
    ['http://localhost:5173/', 'app.example', LOCAL],
    ['HTTP://LOCALHOST:5173', 'app.example', LOCAL],
    ['http://127.0.0.1.evil.example:1', 'app.example', LOCAL],
    ['http://127.0.0.2:1', 'app.example', LOCAL],
    ['http://app.example', undefined, []],
    ['http://app.example', 'app.example:8080', []],
    ['http://app.example.evil.example', 'app.example', []],
    ['https://a.example', 'b.example', ['http://a.example']],
    ['https://a.example:444', 'b.example', ['https://a.example']],
    ['http://a.example', 'a.example@evil.example', []],
  ])('%s at %s does not', (origin, host, allowed) => {
    expect(matchOrigin(origin, host, allowed)).toBeUndefined()
  })

  it('a setting names origins as browsers write them', () => {
    const good = ['*', 'https://a.example', 'http://[::1]:*', 'capacitor://localhost', 'moz-extension://*', 'file://']
    const bad = [
      'null',
      'a.example',
      'https://a.example/',
      'https://*',
      'https://*.a.example',
      'HTTPS://a.example',
      '://*',
    ]
    expect(good.filter((pattern) => !isOriginPattern(pattern))).toEqual([])
    expect(bad.filter((pattern) => isOriginPattern(pattern))).toEqual([])
  })
})

describe('[R6] which names a server answers to', () => {
  const names = ['app.example', '*.b.example']

  it.each([
    'localhost',
    'LOCALHOST:8080',
    'localhost.',
    'api.localhost:8080',
    '127.0.0.1:8080',
    '192.168.1.7',
    '[::1]:8080',
    'app.example',
    'App.Example:443',
    'x.b.example',
    'x.y.b.example:8080',
  ])('%s passes', (host) => {
    expect(isKnownHost(host, names)).toBe(true)
  })

  it.each([
    'evil.example',
    'evil.example:8080',
    'localhost.evil.example',
    'notlocalhost',
    '127.0.0.1.evil.example',
    'app.example.evil.example',
    'app.example@evil.example',
    'xb.example',
    '[evil]',
    'app.example:x',
    '',
  ])('%s does not', (host) => {
    expect(isKnownHost(host, names)).toBe(false)
    expect(isKnownHost(host, [])).toBe(false)
  })

  it('a setting names them without ports, schemes and capitals', () => {
    const good = ['*', 'a.example', '*.a.example', 'server', '10.0.0.1', '::1', 'münchen.example']
    const bad = ['https://a.example', 'a.example:8080', 'a.*.example', '*a.example', 'A.example', '-a.example', 'a..b']
    expect(good.filter((pattern) => !isHostPattern(pattern))).toEqual([])
    expect(bad.filter((pattern) => isHostPattern(pattern))).toEqual([])
  })
})

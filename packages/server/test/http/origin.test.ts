import { describe, expect, it } from 'vitest'
import { isOriginAllowed } from '../../src/adapters/transports/origin.ts'

const LOCAL = ['http://localhost:*']

describe('[C19] [R6] which pages may talk to the server', () => {
  it.each<[string | undefined, string | undefined, readonly string[]]>([
    [undefined, 'app.example', LOCAL],
    ['http://localhost', 'app.example', LOCAL],
    ['http://localhost:5173', 'app.example', LOCAL],
    ['http://app.example', 'app.example', []],
    ['https://app.example', 'app.example', []],
    ['https://app.example', 'APP.example:443', []],
    ['http://app.example:8080', 'app.example:8080', []],
    ['http://[::1]:8080', '[::1]:8080', []],
    ['https://a.example', 'b.example', ['https://a.example', 'https://c.example']],
    ['https://anything.example', 'b.example', ['*']],
  ])('%s at %s passes', (origin, host, allowed) => {
    expect(isOriginAllowed(origin, host, allowed)).toBe(true)
  })

  it.each<[string, string | undefined, readonly string[]]>([
    ['https://evil.example', 'app.example', LOCAL],
    ['null', 'app.example', ['*']],
    ['', 'app.example', ['*']],
    ['rubbish', 'app.example', ['*']],
    ['file://', 'app.example', ['*']],
    ['https://localhost:5173', 'app.example', LOCAL],
    ['http://localhost.evil.example', 'app.example', LOCAL],
    ['http://localhost:1.evil.example', 'app.example', LOCAL],
    ['http://localhost@evil.example', 'app.example', LOCAL],
    ['http://evil.example/http://localhost:1', 'app.example', LOCAL],
    ['http://localhost:5173/', 'app.example', LOCAL],
    ['HTTP://LOCALHOST:5173', 'app.example', LOCAL],
    ['http://127.0.0.1:1', '127.0.0.1:2', LOCAL],
    ['http://app.example', undefined, []],
    ['http://app.example', 'app.example:8080', []],
    ['http://app.example.evil.example', 'app.example', []],
    ['https://a.example', 'b.example', ['http://a.example']],
    ['https://a.example:444', 'b.example', ['https://a.example']],
    ['http://a.example', 'a.example@evil.example', []],
  ])('%s at %s does not', (origin, host, allowed) => {
    expect(isOriginAllowed(origin, host, allowed)).toBe(false)
  })
})

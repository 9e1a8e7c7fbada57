import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { addressReader, normalAddress, type TrustProxy } from '../../src/adapters/transports/request-info.ts'
import { addressGroup } from '../../src/core/base/limits.ts'

function read(trust: TrustProxy, remoteAddress: string, forwarded?: string): string {
  const headers = forwarded === undefined ? {} : { 'x-forwarded-for': forwarded }
  return addressReader(trust)({ socket: { remoteAddress }, headers } as IncomingMessage)
}

describe('[B32] [B33] the address of a client', () => {
  it('is that of the socket unless a proxy is trusted', () => {
    expect(read('off', '198.51.100.1', '203.0.113.9')).toBe('198.51.100.1')
    expect(read(1, '198.51.100.1')).toBe('198.51.100.1')
    expect(read(['10.0.0.0/8'], '198.51.100.1', '203.0.113.9')).toBe('198.51.100.1')
  })

  it('is what the outermost trusted proxy saw, whatever the client wrote left of it', () => {
    expect(read(1, '10.0.0.1', '203.0.113.9')).toBe('203.0.113.9')
    expect(read(1, '10.0.0.1', '1.1.1.1, 203.0.113.9')).toBe('203.0.113.9')
    expect(read(2, '10.0.0.1', '1.1.1.1, 203.0.113.9, 10.0.0.2')).toBe('203.0.113.9')
    expect(read(['10.0.0.0/8', '::1'], '10.0.0.1', '1.1.1.1,203.0.113.9,10.9.9.9')).toBe('203.0.113.9')
    expect(read(['::1'], '::1', '203.0.113.9')).toBe('203.0.113.9')
    expect(read(['10.0.0.0/8'], '::ffff:10.0.0.1', '203.0.113.9')).toBe('203.0.113.9')
  })

  it('is the last one that is known when the chain is shorter, or holds rubbish', () => {
    expect(read(3, '10.0.0.1', '203.0.113.9')).toBe('203.0.113.9')
    expect(read(1, '10.0.0.1', 'unknown')).toBe('10.0.0.1')
    expect(read(1, '10.0.0.1', '203.0.113.9, <script>')).toBe('10.0.0.1')
    expect(read(['10.0.0.0/8'], '10.0.0.1', '10.0.0.2')).toBe('10.0.0.2')
    expect(read(1, '10.0.0.1', '')).toBe('10.0.0.1')
    expect(read(16, '10.0.0.1', '1.1.1.1,'.repeat(10_000))).toBe('10.0.0.1')
  })

  it.each<[string, TrustProxy, string, string, number]>([
    ['on this machine', 'off', '127.0.0.1', 'x-forwarded-for', 1],
    ['on this machine, by RFC 7239', 'off', '::1', 'forwarded', 1],
    ['in a container', 'off', '::ffff:172.17.0.1', 'x-real-ip', 1],
    ['other than those named', ['10.0.0.5'], '127.0.0.1', 'x-forwarded-for', 1],
    ['that is trusted', ['127.0.0.1'], '127.0.0.1', 'x-forwarded-for', 0],
    ['that is trusted by number', 1, '127.0.0.1', 'x-forwarded-for', 0],
    ['somewhere else, which may be any client', 'off', '198.51.100.1', 'x-forwarded-for', 0],
    ['on this machine, which says nothing', 'off', '127.0.0.1', 'accept', 0],
  ])('a proxy %s is noticed as often as it should be', (_, trust, remoteAddress, header, times) => {
    const noticed: string[] = []
    const addressOf = addressReader(trust, (address) => noticed.push(address))
    const request = { socket: { remoteAddress }, headers: { [header]: '203.0.113.9' } } as unknown as IncomingMessage
    for (let i = 0; i < 3; i++) addressOf(request)
    expect(noticed).toEqual(Array(times).fill(normalAddress(remoteAddress)))
  })

  it.each([
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:C000:201', '192.0.2.1'],
    ['2001:DB8:0:0:0::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['192.0.2.1:5678', '192.0.2.1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['192.0.2.256', undefined],
    ['example.org', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%s is written %s', (written, normal) => {
    expect(normalAddress(written)).toBe(normal)
  })

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3::', '2001:db8:1:2::/64'],
  ])('%s counts as %s', (ip, group) => {
    expect(addressGroup(ip)).toBe(group)
  })
})

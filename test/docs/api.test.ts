/** `npm run docs:api` has every name that a package exports, with its docstring and without its inside. */
import { describe, expect, it } from 'vitest'
import { root } from '../../scripts/lib/command.ts'
import { apiPages } from '../../scripts/lib/docs/api-pages.ts'
import { publicNames } from '../../scripts/lib/measure/public-names.ts'

describe('the API reference', () => {
  const pages = apiPages(root)

  it('has a page for each package, and each exported name on it', () => {
    expect([...pages.keys()].sort()).toEqual(
      [
        'client',
        'documents',
        'nestjs',
        'opentelemetry',
        'protocol',
        'react',
        'server',
        'socket.io',
        'solid',
        'svelte',
        'testkit',
        'vue',
      ], // the others are programs
    )
    for (const { file, name } of publicNames(root)) {
      expect(pages.get(file.split('/')[1] ?? ''), name).toContain(`\n## ${name}\n`)
    }
  })

  it('shows docstrings, members and examples', () => {
    const server = pages.get('server')
    expect(server).toContain('interface Roomful')
    expect(server).toContain('Lifts a ban.')
    expect(pages.get('client')).toContain('function connect')
  })

  it('shows no private member and no body of a function', () => {
    for (const [name, text] of pages) {
      const code = Array.from(
        text.matchAll(/^(?:abstract class|class|async function|function) [\s\S]*?^```$/gm),
        ([block]) => block,
      ).join('\n')
      if (name === 'server') expect(code).toContain('class SlidingWindowLimiter')
      expect(code, name).not.toMatch(/^\s+(?:private |#\w+)/m)
      expect(code, name).not.toMatch(/^\s+return /m)
    }
  })
})

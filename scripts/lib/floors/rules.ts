/**
 * The rules of imports as data: which part may import what. The first rule whose folder holds a file applies, so
 * the narrower folders come first. `floors.ts` enforces them; ARCHITECTURE.md explains them.
 */
export interface FloorRule {
  readonly name: string
  /** Folder that the rule is about, from the root of the repository; `*` stands for one folder. */
  readonly folder: string
  /** Only for files whose names end so. */
  readonly ending?: string
  /**
   * What its files may import besides their own folder: a folder of the same package (ends in `/`), a package, `node:*`,
   * or `npm:*` for any package that is not ours.
   */
  readonly mayImport: readonly string[]
  /** The same, for `import type` only. */
  readonly mayImportTypes?: readonly string[]
  /** Globals it may not touch, by name or as `object.member`, each with what to use instead. */
  readonly bannedGlobals?: Readonly<Record<string, string>>
}

const server = 'packages/server/src'
const outsideWorld = ['node:*', 'npm:*']
const belowAdapters = [`${server}/core/`, '@roomful/protocol', '@roomful/protocol/messages', ...outsideWorld]

const commons = 'apps/commons'
const inBrowser = ['@roomful/client', '@roomful/client/*', '@roomful/react', 'npm:*']

const clock = 'take the time from the clock port'
const random = 'take randomness from the random port'

/** What would make the core depend on the machine it runs on. */
const realWorld = {
  process: 'settings come in through options',
  'Date.now': clock,
  'new Date()': clock,
  'performance.now': clock,
  setTimeout: clock,
  setInterval: clock,
  setImmediate: clock,
  queueMicrotask: clock,
  'Math.random': random,
  'crypto.randomUUID': random,
  'crypto.getRandomValues': random,
  console: 'tell facts to the observer port',
}

export const floorRules: readonly FloorRule[] = [
  {
    name: 'protocol (floor 0)',
    folder: 'packages/protocol/src',
    mayImport: ['typebox', 'typebox/*'],
    mayImportTypes: ['@standard-schema/spec'],
  },
  {
    name: 'server core (floor 1)',
    folder: `${server}/core`,
    mayImport: ['@roomful/protocol', '@roomful/protocol/messages'],
    mayImportTypes: ['@standard-schema/spec'],
    bannedGlobals: realWorld,
  },
  {
    name: 'client (floor 1)',
    folder: 'packages/client/src',
    // Its own part that React Native replaces.
    mayImport: ['@roomful/protocol', '@roomful/client/tabs'],
    mayImportTypes: ['@roomful/protocol/messages', '@standard-schema/spec'],
  },
  {
    name: 'react (floor 2)',
    folder: 'packages/react/src',
    mayImport: ['@roomful/client', '@roomful/client/*', 'react'],
  },
  { name: 'vue (floor 2)', folder: 'packages/vue/src', mayImport: ['@roomful/client', '@roomful/client/*', 'vue'] },
  {
    name: 'svelte (floor 2)',
    folder: 'packages/svelte/src',
    mayImport: ['@roomful/client', '@roomful/client/*', 'svelte', 'svelte/*'],
  },
  {
    name: 'solid (floor 2)',
    folder: 'packages/solid/src',
    mayImport: ['@roomful/client', '@roomful/client/*', 'solid-js'],
  },
  {
    name: 'local broker (floor 2)',
    folder: `${server}/adapters/brokers/local`,
    mayImport: [`${server}/adapters/brokers/common/`, ...belowAdapters],
  },
  {
    name: 'redis broker (floor 2)',
    folder: `${server}/adapters/brokers/redis`,
    mayImport: [`${server}/adapters/brokers/common/`, ...belowAdapters],
  },
  {
    name: 'HTTP adapter (floor 3)',
    folder: `${server}/adapters/http`,
    mayImport: [`${server}/adapters/`, `${server}/vocabulary/`, ...belowAdapters],
  },
  { name: 'adapter (floor 2)', folder: `${server}/adapters/*`, mayImport: belowAdapters },
  {
    name: 'server composition (floor 3)',
    folder: server,
    mayImport: [
      `${server}/core/`,
      `${server}/adapters/`,
      '@roomful/protocol',
      '@roomful/protocol/messages',
      ...outsideWorld,
    ],
  },
  {
    name: 'documents (floor 3)',
    folder: 'packages/documents/src',
    mayImport: [
      '@roomful/protocol',
      '@roomful/server',
      '@roomful/server/redis',
      '@roomful/server/ports',
      ...outsideWorld,
    ],
  },
  {
    name: 'OpenTelemetry (floor 3)',
    folder: 'packages/opentelemetry/src',
    mayImport: ['@roomful/protocol', '@opentelemetry/api'],
    mayImportTypes: ['@roomful/server'],
  },
  {
    name: 'drop-in for Socket.IO (floor 4)',
    folder: 'packages/socket.io/src',
    mayImport: ['@roomful/server/core', '@roomful/server/redis', ...outsideWorld],
  },
  {
    name: 'adapter for NestJS (floor 5)',
    folder: 'packages/nestjs/src',
    mayImport: ['@roomful/server', '@roomful/server/core', '@roomful/socket.io', ...outsideWorld],
  },
  { name: 'program (floor 4)', folder: 'packages/roomful/src', mayImport: ['@roomful/server', '@roomful/server/cli'] },
  { name: 'creator (floor 0)', folder: 'packages/create-roomful/src', mayImport: ['node:*'] },
  {
    name: 'testkit',
    folder: 'packages/testkit/src',
    mayImport: [
      '@roomful/protocol',
      '@roomful/protocol/*',
      '@roomful/server',
      '@roomful/server/*',
      '@roomful/client',
      '@roomful/client/*',
      ...outsideWorld,
    ],
  },
  {
    name: 'page of a feature (floor 3)',
    folder: 'apps/*/features/*',
    ending: '.tsx',
    mayImport: [`${commons}/web/`, ...inBrowser],
  },
  {
    name: 'feature (floor 3)',
    folder: 'apps/*/features/*',
    mayImport: [`${commons}/`, '@roomful/*', ...outsideWorld],
  },
  { name: 'web app (floor 3)', folder: 'apps/*/web', mayImport: [`${commons}/features/`, ...inBrowser] },
  { name: 'application (floor 3)', folder: 'apps/*', mayImport: ['@roomful/*', ...outsideWorld] },
  { name: 'example', folder: 'examples/*', mayImport: ['@roomful/*', ...outsideWorld] },
  { name: 'benchmark', folder: 'bench', mayImport: ['scripts/lib/cluster/', '@roomful/*', ...outsideWorld] },
]

/** The folders of the core, the lowest first: none imports a later one, types included. Files in none of them are the top. */
export const coreOrder = {
  folder: `${server}/core`,
  order: ['ports', 'base', 'events', 'link', 'state', 'log', 'rooms', 'requests', 'sessions'],
} as const

/** Where `import type` closes a circle too. */
export const withoutTypeCircles: readonly string[] = [coreOrder.folder, 'packages/client/src', 'packages/protocol/src']

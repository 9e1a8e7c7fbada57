/**
 * `npm run measure`: how easily the code can be read, in figures: circles of imports, files in a folder, imports that
 * point up, short files, docstrings, and the files that one message visits. Each figure stands beside its goal.
 *
 *   --list   also names the files, imports and exports behind each figure
 */
import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './lib/command.ts'
import { coreOrder } from './lib/floors/rules.ts'
import { circles, dependencyGraph, upwardImports } from './lib/measure/graph.ts'
import { plainMessage, sdkMessage } from './lib/measure/message-paths.ts'
import { firstMetWithExample, publicNames } from './lib/measure/public-names.ts'

const { values } = parseArgs({ options: { list: { type: 'boolean', default: false } } })

const { folder: core, order: coreFloors } = coreOrder

interface Measure {
  readonly name: string
  readonly figure: string
  readonly goal: string
  readonly isMet: boolean
  readonly details?: readonly string[]
}

const measures: Measure[] = []

for (const folder of globSync('packages/*/src', { cwd: root }).sort()) {
  const found = circles(dependencyGraph(root, folder))
  measures.push({
    name: `circles of imports, types included, ${folder}`,
    figure: `${found.length} (largest ${found[0]?.length ?? 0} files)`,
    goal: '0 in client, protocol',
    isMet: found.length === 0 || !/\/(client|protocol)\//.test(folder),
    details: found.map((files) => files.join(' ')),
  })
}

const coreGraph = dependencyGraph(root, core)
const coreCircles = circles(coreGraph)
const perFolder = new Map<string, number>()
for (const file of coreGraph.keys()) {
  const folder = posix.dirname(file)
  perFolder.set(folder, (perFolder.get(folder) ?? 0) + 1)
}
const folders = [...perFolder].sort(([, a], [, b]) => b - a)
const up = upwardImports(coreGraph, core, coreFloors)
const arrows = [...coreGraph.values()].reduce((sum, targets) => sum + targets.size, 0)
measures.push(
  {
    name: 'circles in core',
    figure: `${coreCircles.length} (largest ${coreCircles[0]?.length ?? 0} files)`,
    goal: '0',
    isMet: coreCircles.length === 0,
    details: coreCircles.map((files) => files.join(' ')),
  },
  {
    name: 'files in one folder of core, at most',
    figure: String(folders[0]?.[1] ?? 0),
    goal: '12',
    isMet: (folders[0]?.[1] ?? 0) <= 12,
    details: folders.map(([folder, files]) => `${files} ${folder}`),
  },
  {
    name: 'imports in core that point up',
    figure: `${up.length} of ${arrows}`,
    goal: '1',
    isMet: up.length <= 1,
    details: up,
  },
)

const sources = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root, exclude: ['**/*.test.{ts,tsx}'] })
const short = sources.filter((file) => readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length < 40)
measures.push({
  name: 'files under 40 lines',
  figure: `${Math.round((100 * short.length) / sources.length)} % (${short.length} of ${sources.length})`,
  goal: '20 %',
  isMet: short.length <= 0.2 * sources.length,
  details: short,
})

const names = publicNames(root)
const firstMet = firstMetWithExample(root)
const withoutExample = firstMet.filter(({ hasExample }) => !hasExample)
const undocumented = names.filter(({ isDocumented }) => !isDocumented)
measures.push(
  {
    name: 'public names with a docstring',
    figure: `${Math.round((100 * (names.length - undocumented.length)) / names.length)} % of ${names.length}`,
    goal: '100 %',
    isMet: undocumented.length === 0,
    details: undocumented.map(({ file, name }) => `${name} ${file}`),
  },
  {
    name: 'what a newcomer meets first, with an example',
    figure: `${firstMet.length - withoutExample.length} of ${firstMet.length}`,
    goal: '12',
    isMet: withoutExample.length === 0,
    details: withoutExample.map(({ call }) => call),
  },
)

const plain = await plainMessage()
const sdk = await sdkMessage()
const broker = plain.filter((file) => file.includes('/adapters/brokers/'))
const sqliteBroker = sdk.filter((file) => file.includes('/adapters/brokers/'))
measures.push(
  {
    name: 'files one message visits, plain, memory',
    figure: String(plain.length),
    goal: '30',
    isMet: plain.length <= 30,
    details: plain,
  },
  {
    name: 'files one message visits, SDK, SQLite, two SDKs',
    figure: String(sdk.length),
    goal: '55',
    isMet: sdk.length <= 55,
    details: sdk,
  },
  {
    name: 'broker files one append visits, memory · SQLite',
    figure: `${broker.length} · ${sqliteBroker.length}`,
    goal: '8',
    isMet: broker.length <= 8 && sqliteBroker.length <= 8,
    details: [...broker, ...sqliteBroker],
  },
)

for (const { name, figure, goal, isMet, details = [] } of measures) {
  console.log(`${name.padEnd(66)} ${figure.padEnd(24)} goal ${goal.padEnd(24)} ${isMet ? 'met' : 'NOT MET'}`)
  if (values.list) for (const detail of details) console.log(`    ${detail}`)
}
const missed = measures.filter(({ isMet }) => !isMet)
console.log(
  missed.length === 0
    ? `\nAll ${measures.length} goals are met.`
    : `\n${measures.length - missed.length} of ${measures.length} goals are met. Not met: ${missed.map(({ name }) => name).join('; ')}.`,
)
process.exit(0)

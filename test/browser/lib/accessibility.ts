/** What axe finds wrong with a page as it is shown right now, as lines that name the element and the rule. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type Axe from 'axe-core'
import type { Page } from 'playwright-core'
import { ROOT } from '../../outside/lib/node.ts'

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
/** The minified one: a page takes half a second less to read it. */
const source = readFileSync(join(ROOT, 'node_modules/axe-core/axe.min.js'), 'utf8')

export async function accessibilityProblems(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which no content security policy stops; and once per document.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(source)
  const violations = await page.evaluate(async (tags) => {
    const { axe } = globalThis as unknown as { axe: typeof Axe }
    const found = await axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })
    return found.violations
  }, TAGS)
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  )
}

/** As {@link accessibilityProblems}, in the theme that is shown and in the other one. */
export async function accessibilityProblemsInBothThemes(page: Page): Promise<string[]> {
  const isDark = await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches)
  const [shown, other] = isDark ? (['dark', 'light'] as const) : (['light', 'dark'] as const)
  const problems = await accessibilityProblems(page)
  await page.emulateMedia({ colorScheme: other })
  await page.evaluate(untilColoured)
  problems.push(...(await accessibilityProblems(page)).map((problem) => `${other}: ${problem}`))
  await page.emulateMedia({ colorScheme: shown })
  await page.evaluate(untilColoured)
  return problems
}

/** In the page: its colours go over to those of another theme, in a moment. */
async function untilColoured(): Promise<void> {
  do await new Promise((resolve) => requestAnimationFrame(resolve))
  while (document.getAnimations().some((each) => each instanceof CSSTransition && each.playState === 'running'))
}

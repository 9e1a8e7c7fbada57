/** Which source files run while something happens, by V8's precise coverage of this process. */
import { Session } from 'node:inspector/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { root } from '../command.ts'

/**
 * @param run done once before it is measured, so that nothing is loaded or opened for the first time
 * @returns files below `packages/`, from the root of the repository, of which a function was called
 */
export async function visitedFiles(run: () => Promise<void>): Promise<string[]> {
  await run()
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
    await session.post('Profiler.takePreciseCoverage') // sets the counts to zero
    await run()
    const { result } = await session.post('Profiler.takePreciseCoverage')
    const home = pathToFileURL(`${root}/packages/`).href
    return result
      .filter(
        ({ url, functions }) => url.startsWith(home) && functions.some(({ ranges }) => (ranges[0]?.count ?? 0) > 0),
      )
      .map(({ url }) => fileURLToPath(url).slice(root.length + 1))
      .sort()
  } finally {
    session.disconnect()
  }
}

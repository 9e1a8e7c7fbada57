/** Waits for what real sockets bring. */
const WITHIN_MS = 8_000
const STEP_MS = 10

/** Asks again until it holds. @throws Error naming what did not come true */
export async function until(what: string, ask: () => boolean): Promise<void> {
  const deadline = Date.now() + WITHIN_MS
  while (!ask()) {
    if (Date.now() > deadline) throw new Error(`Waited in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, STEP_MS))
  }
}

/** Run it: `npm run example -- express`, and open the address in two windows. */
import { startApplication } from './server.ts'

const { url } = await startApplication(Number(process.env.PORT ?? 3000), console.log)
console.log(`Open ${url} in two windows`)

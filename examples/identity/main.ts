import { startBetterAuth } from './better-auth.ts'
import { startExpressSession } from './express-session.ts'

const start = process.argv[2] === 'better-auth' ? startBetterAuth : startExpressSession
const { url } = await start(Number(process.env.PORT ?? 3000))
console.log(`Listening on ${url}`)

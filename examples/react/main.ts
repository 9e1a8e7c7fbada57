/** Run it: `npm run example -- react`, and open both addresses. */
import { startApplication } from './server.ts'

const { url } = await startApplication(Number(process.env.PORT ?? 3000))
console.log(`Open ${url}/ (hooks) and ${url}/socketio (the official Socket.IO client) side by side`)

/** How the web app is built: from the sources of the packages, for the browsers of the last two years. */
import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

/**
 * A stylesheet in the head holds back the first paint, also of the outline in `index.html`. Behind the outline it holds back
 * only what comes after it, and the scripts; the head says early that it will be needed.
 */
const stylesBehindOutline: Plugin = {
  name: 'styles-behind-outline',
  apply: 'build',
  transformIndexHtml: {
    order: 'post',
    handler(html) {
      const sheets = html.match(/ *<link rel="stylesheet"[^>]*>\n?/g) ?? []
      const early = sheets.map((sheet) => sheet.replace('rel="stylesheet"', 'rel="preload" as="style"'))
      const rest = sheets.reduce((page, sheet) => page.replace(sheet, ''), html)
      return rest
        .replace('</title>\n', `</title>\n${early.join('')}`)
        .replace('<noscript>', `${sheets.join('').trim()}\n    <noscript>`)
    },
  },
}

export default defineConfig({
  root: fileURLToPath(new URL('web', import.meta.url)),
  plugins: [react(), tailwindcss(), stylesBehindOutline],
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  // server/web-app.ts puts a fresh one there for each visit.
  html: { cspNonce: '__NONCE__' },
  build: { outDir: '../dist', emptyOutDir: true, target: 'es2023', modulePreload: { polyfill: false } },
  // `npm run dev:web`: the pages from Vite, everything else from a server on its usual port.
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(
      ['/ws', '/socket.io', '/sse', '/poll', '/send', '/yjs', '/api', '/health', '/ready', '/metrics'].map((path) => [
        path,
        { target: 'http://127.0.0.1:8080', ws: true },
      ]),
    ),
  },
})

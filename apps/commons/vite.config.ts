/** How the web app is built: from the sources of the packages, for the browsers of the last two years. */
import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: fileURLToPath(new URL('web', import.meta.url)),
  plugins: [react(), tailwindcss()],
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

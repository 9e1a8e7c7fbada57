/** The web app begins here. */
import './styles.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { PageNotLoaded } from './layout/load-page.ts'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root, {
  onCaughtError(error, { componentStack }) {
    // A page that waits for the connection is no fault, and its boundary says so.
    if (!(error instanceof PageNotLoaded)) console.error(error, componentStack)
  },
}).render(
  <StrictMode>
    <App />
  </StrictMode>,
)

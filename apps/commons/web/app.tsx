/** Puts the app together: toasts and tooltips around everything, then the door, then what is behind it. */
import { CSPProvider } from '@base-ui/react/csp-provider'
import type { ReactElement } from 'react'
import { InboxProvider } from '../features/direct/use-inbox.tsx'
import { NotificationCollector } from '../features/notifications/collector.tsx'
import { cspNonce } from './csp.ts'
import { Layout } from './layout/layout.tsx'
import { Pages } from './layout/pages.tsx'
import { PeopleCounter } from './layout/people-count.tsx'
import { ReadsProvider } from './reads/use-reads.tsx'
import { PublicConnection } from './session/public-connection.tsx'
import { SessionGate } from './session/session-gate.tsx'
import { ToastRegion } from './ui/toast.tsx'

export function App(): ReactElement {
  return (
    <CSPProvider nonce={cspNonce}>
      <ToastRegion>
        <SessionGate>
          <PublicConnection>
            <ReadsProvider>
              <InboxProvider>
                <NotificationCollector />
                <PeopleCounter>
                  <Layout>
                    <Pages />
                  </Layout>
                </PeopleCounter>
              </InboxProvider>
            </ReadsProvider>
          </PublicConnection>
        </SessionGate>
      </ToastRegion>
    </CSPProvider>
  )
}

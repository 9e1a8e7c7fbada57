/** The frame around every page: the navigation beside it, or behind a button where the window is narrow. */
import { Dialog } from '@base-ui/react/dialog'
import { Menu as MenuIcon } from 'lucide-react'
import { type ReactElement, type ReactNode, useEffect, useState } from 'react'
import { Link, useLocation } from 'wouter'
import { NotificationBell } from '../../features/notifications/bell.tsx'
import { useNotifications } from '../../features/notifications/use-notifications.ts'
import { IconButton } from '../ui/button.tsx'
import { ConnectionBadge } from '../ui/connection-badge.tsx'
import { backdropClass } from '../ui/dialog.tsx'
import { Logo } from '../ui/logo.tsx'
import { useKeptFocus } from './keep-focus.ts'
import { Navigation } from './navigation.tsx'
import { titleOf } from './pages.tsx'

export function Layout({ children }: { children: ReactNode }): ReactElement {
  useLocation() // to be drawn again when it changes
  const title = titleOf(globalThis.location.pathname)
  const { unread } = useNotifications()
  useEffect(() => {
    const name = title === undefined ? 'Commons' : `${title} · Commons`
    document.title = unread === 0 ? name : `(${unread}) ${name}`
    return () => {
      document.title = 'Commons'
    }
  }, [title, unread])
  useKeptFocus('#main')
  return (
    <div className="flex h-dvh">
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-raised focus:px-4 focus:py-2"
      >
        Skip to main content
      </a>
      <aside className="hidden w-64 shrink-0 border-line border-r bg-surface lg:block">
        <Navigation />
      </aside>
      <div className="flex min-w-0 grow flex-col">
        <TopBar />
        <main id="main" tabIndex={-1} className="min-h-0 grow outline-none">
          {children}
        </main>
      </div>
    </div>
  )
}

/** Without the title of the page, which has its own heading. */
function TopBar(): ReactElement {
  const [isOpen, setOpen] = useState(false)
  return (
    <header className="flex h-14 shrink-0 items-center gap-2 border-line border-b bg-surface px-2 lg:hidden">
      <Dialog.Root open={isOpen} onOpenChange={setOpen}>
        <Dialog.Trigger render={<IconButton icon={MenuIcon} label="Open navigation" />} />
        <Dialog.Portal>
          <Dialog.Backdrop className={backdropClass} />
          <Dialog.Popup className="fixed inset-y-0 left-0 z-40 w-72 max-w-[85vw] border-line border-r bg-surface shadow-float transition-transform duration-150 data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
            <Dialog.Title className="sr-only">Navigation</Dialog.Title>
            <Navigation onNavigate={() => setOpen(false)} />
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
      <Link href="/" className="mr-auto flex h-10 items-center gap-2 rounded-lg px-1 font-semibold">
        <Logo size={26} />
        Commons
      </Link>
      <NotificationBell />
      <ConnectionBadge className="pr-2" />
    </header>
  )
}

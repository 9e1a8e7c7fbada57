/** The account, the theme, and signing out. */
import { ChevronsUpDown, LogIn, LogOut, Monitor, Moon, Sun } from 'lucide-react'
import type { ReactElement } from 'react'
import { session } from '../session/session.ts'
import { useSession } from '../session/session-gate.tsx'
import { type Theme, useTheme } from '../theme.ts'
import { Avatar } from '../ui/avatar.tsx'
import { Menu, MenuChoices, MenuItem, MenuSeparator } from '../ui/menu.tsx'

const THEMES: readonly { value: Theme; label: string; icon: typeof Sun }[] = [
  { value: 'system', label: 'System', icon: Monitor },
  { value: 'light', label: 'Light', icon: Sun },
  { value: 'dark', label: 'Dark', icon: Moon },
]

export function UserMenu(): ReactElement | null {
  const current = useSession()
  const [theme, setTheme] = useTheme()
  if (!current) return null
  const isGuest = current.kind === 'guest'
  const { id, name, role } = isGuest
    ? { id: current.name, name: current.name, role: 'Guest' }
    : { id: current.user.sub, name: current.user.name, role: roleName(current.user.role) }
  const trigger = (
    <button type="button" className="flex w-full items-center gap-3 rounded-lg p-2 text-left hover:bg-ink/6">
      <Avatar id={id} name={name} />
      <span className="min-w-0 grow">
        <bdi className="block truncate font-medium text-sm">{name}</bdi>
        <span className="block truncate text-muted text-xs">{role}</span>
        <span className="sr-only">Account menu</span>
      </span>
      <ChevronsUpDown aria-hidden size={16} className="shrink-0 text-muted" />
    </button>
  )
  return (
    <Menu trigger={trigger} side="top" align="start">
      <MenuChoices label="Theme" value={theme} onChange={setTheme} choices={THEMES} />
      <MenuSeparator />
      {isGuest && (
        <MenuItem icon={LogIn} onSelect={() => session.end()}>
          Sign in or sign up
        </MenuItem>
      )}
      <MenuItem icon={LogOut} onSelect={() => session.end()}>
        {isGuest ? 'Leave' : 'Sign out'}
      </MenuItem>
    </Menu>
  )
}

function roleName(role: string): string {
  return role === 'user' ? 'Member' : role.charAt(0).toUpperCase() + role.slice(1)
}

/** Every page of Commons: its address, its title, and the feature that it is loaded from when opened. */
import {
  Activity,
  Bell,
  Bot,
  ChartLine,
  FileText,
  FlaskConical,
  ListChecks,
  type LucideIcon,
  MessageCircle,
  MessagesSquare,
  Presentation,
  ShoppingBag,
  Spade,
} from 'lucide-react'
import type { ComponentType } from 'react'

/** Headings of the navigation, in order. */
export const GROUPS = ['Talk', 'Together', 'Trade', 'Under the hood'] as const

export interface PageEntry {
  readonly path: `/${string}`
  /** What may follow the path, still encoded: the page has its own routes there. Anything else is not found. */
  readonly below?: RegExp
  /** In the navigation and in the browser's tab. */
  readonly title: string
  /** In one sentence, for the home page. */
  readonly about: string
  readonly icon: LucideIcon
  readonly group: (typeof GROUPS)[number]
  /** Who may see it. `guests`: people without an account too, who are in the namespace `/public`. Default `users`. */
  readonly audience?: 'guests' | 'users' | 'admins'
  readonly load: () => Promise<{ Page: ComponentType }>
}

/** One part more, such as the id of what is shown. */
const ONE = /^\/[^/]+$/
const SHOP = /^\/(orders|help|desk|support(\/[^/]+)?|p\/[^/]+)$/

export const pages: readonly PageEntry[] = [
  {
    ...{ path: '/rooms', below: ONE, title: 'Rooms', icon: MessagesSquare, group: 'Talk', audience: 'guests' },
    about: 'Chat in rooms and catch up on what you missed.',
    load: () => import('../features/rooms/page.tsx'),
  },
  {
    ...{ path: '/messages', below: ONE, title: 'Direct messages', icon: MessageCircle, group: 'Talk' },
    about: 'Message one person. It’s delivered when they’re back.',
    load: () => import('../features/direct/page.tsx'),
  },
  {
    ...{ path: '/assistant', title: 'Assistant', icon: Bot, group: 'Talk', audience: 'guests' },
    about: 'Ask together, and watch the answer grow on every screen.',
    load: () => import('../features/assistant/page.tsx'),
  },
  {
    ...{ path: '/notifications', title: 'Notifications', icon: Bell, group: 'Talk' },
    about: 'Messages, mentions, and updates on your orders and tasks.',
    load: () => import('../features/notifications/page.tsx'),
  },
  {
    ...{ path: '/documents', below: ONE, title: 'Documents', icon: FileText, group: 'Together' },
    about: 'Edit documents together in real time.',
    load: () => import('../features/documents/page.tsx'),
  },
  {
    ...{ path: '/tasks', title: 'Tasks', icon: ListChecks, group: 'Together' },
    about: 'One shared board, live for everyone.',
    load: () => import('../features/tasks/page.tsx'),
  },
  {
    ...{ path: '/games', below: ONE, title: 'Games', icon: Spade, group: 'Together' },
    about: 'Play cards at a table for four, with people or bots.',
    load: () => import('../features/games/page.tsx'),
  },
  {
    ...{ path: '/stage', below: ONE, title: 'Stage', icon: Presentation, group: 'Together' },
    about: 'Present to everyone and watch reactions float by.',
    load: () => import('../features/stage/page.tsx'),
  },
  {
    ...{ path: '/shop', below: SHOP, title: 'Shop', icon: ShoppingBag, group: 'Trade' },
    about: 'Buy the last one before someone else does, and track your order.',
    load: () => import('../features/shop/page.tsx'),
  },
  {
    ...{ path: '/market', title: 'Market', icon: ChartLine, group: 'Trade' },
    about: 'Simulated stock ticker with no gaps.',
    load: () => import('../features/market/page.tsx'),
  },
  {
    ...{ path: '/lab', title: 'Transport lab', icon: FlaskConical, group: 'Under the hood' },
    about: 'One feed over four transports, compared.',
    load: () => import('../features/lab/page.tsx'),
  },
  {
    ...{ path: '/inspector', title: 'Inspector', icon: Activity, group: 'Under the hood', audience: 'admins' },
    about: 'Server load, connections, rooms, accounts, and why someone missed an event.',
    load: () => import('../features/inspector/page.tsx'),
  },
]

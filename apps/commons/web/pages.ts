/** Every page of Commons, one line each: where it is, what it is called, and the feature that it is loaded from when asked for. */
import {
  Activity,
  Bell,
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
  /** Below it the page has its own routes: `/rooms` is shown for `/rooms/lobby` too, with the rest as its location. */
  readonly path: `/${string}`
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

export const pages: readonly PageEntry[] = [
  {
    ...{ path: '/rooms', title: 'Rooms', icon: MessagesSquare, group: 'Talk', audience: 'guests' },
    about: 'Talk in rooms that remember what was said while you were away.',
    load: () => import('../features/rooms/page.tsx'),
  },
  {
    ...{ path: '/messages', title: 'Direct messages', icon: MessageCircle, group: 'Talk' },
    about: 'Write to one person; it waits for them while they are away.',
    load: () => import('../features/direct/page.tsx'),
  },
  {
    ...{ path: '/notifications', title: 'Notifications', icon: Bell, group: 'Talk' },
    about: 'What happened to what is yours while you were elsewhere.',
    load: () => import('../features/notifications/page.tsx'),
  },
  {
    ...{ path: '/documents', title: 'Documents', icon: FileText, group: 'Together' },
    about: 'Write one text with others, at the same time and in the same line.',
    load: () => import('../features/documents/page.tsx'),
  },
  {
    ...{ path: '/tasks', title: 'Tasks', icon: ListChecks, group: 'Together' },
    about: 'One board for everybody: what somebody writes down is there for all at once.',
    load: () => import('../features/tasks/page.tsx'),
  },
  {
    ...{ path: '/games', title: 'Games', icon: Spade, group: 'Together' },
    about: 'Sit down at a table for four, or let the house play with you.',
    load: () => import('../features/games/page.tsx'),
  },
  {
    ...{ path: '/stage', title: 'Stage', icon: Presentation, group: 'Together' },
    about: 'Present to everybody, and see how they like it float by.',
    load: () => import('../features/stage/page.tsx'),
  },
  {
    ...{ path: '/shop', title: 'Shop', icon: ShoppingBag, group: 'Trade' },
    about: 'Buy the last one before somebody else does, and follow it to your door.',
    load: () => import('../features/shop/page.tsx'),
  },
  {
    ...{ path: '/market', title: 'Market', icon: ChartLine, group: 'Trade' },
    about: 'A ticker of invented shares that never loses a price.',
    load: () => import('../features/market/page.tsx'),
  },
  {
    ...{ path: '/lab', title: 'Transport lab', icon: FlaskConical, group: 'Under the hood' },
    about: 'One feed in four ways, side by side, with what each of them costs.',
    load: () => import('../features/lab/page.tsx'),
  },
  {
    ...{ path: '/inspector', title: 'Inspector', icon: Activity, group: 'Under the hood', audience: 'admins' },
    about: 'Load over time, who is connected, what rooms hold, why somebody missed something, and what to do about it.',
    load: () => import('../features/inspector/page.tsx'),
  },
]

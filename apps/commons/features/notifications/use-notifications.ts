import { useSyncExternalStore } from 'react'
import { type NotificationsSnapshot, notifications } from './notifications.ts'

export function useNotifications(): NotificationsSnapshot {
  return useSyncExternalStore(notifications.subscribe, notifications.getSnapshot)
}

/** React hooks for Roomful: each a few lines over the client's `subscribe` and `getSnapshot`. */
export { RoomfulProvider, type RoomfulProviderProps, useClient } from './provider.tsx'
export { useConnection } from './use-connection.ts'

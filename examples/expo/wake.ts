/** When a phone connects again: at once when the application is in front again or the network is back. */
import type { ClientOptions } from '@roomful/client'

/** What this uses of `AppState` of React Native. */
interface AppStates {
  addEventListener(type: 'change', listener: (state: string) => void): { remove(): void }
}

/** What this uses of `@react-native-community/netinfo`. */
interface Network {
  addEventListener(listener: (state: { readonly isConnected: boolean | null }) => void): () => void
}

/** @returns the option `onWake` of `connect` */
export function wakeWith(appStates: AppStates, network: Network): NonNullable<ClientOptions['onWake']> {
  return (wake) => {
    // A phone ends the sockets of an application in the background. It says when it is in front again.
    const inFront = appStates.addEventListener('change', (state) => state === 'active' && wake(true))
    const stop = network.addEventListener(({ isConnected }) => isConnected !== null && wake(isConnected))
    return () => {
      inFront.remove()
      stop()
    }
  }
}

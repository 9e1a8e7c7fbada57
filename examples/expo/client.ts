/** The one client of the application. */
import 'react-native-get-random-values' // crypto.getRandomValues, for the keys of messages
import NetInfo from '@react-native-community/netinfo'
import { connect } from '@roomful/client'
import { AppState } from 'react-native'
import { wakeWith } from './wake.ts'

/** Of the machine that the server runs on, as the phone sees it: `EXPO_PUBLIC_ROOMFUL_URL=http://192.168.1.20:8080`. */
const url = process.env.EXPO_PUBLIC_ROOMFUL_URL ?? 'http://localhost:8080'

export const client = connect(url, {
  namespace: '/public',
  name: `Phone ${Math.floor(Math.random() * 1000)}`,
  onWake: wakeWith(AppState, NetInfo),
})

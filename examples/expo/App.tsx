/** One room: who is here, what was said, and a field to say something. */
import { RoomfulProvider, useConnection, useMessages, usePresence } from '@roomful/react'
import { useState } from 'react'
import { Button, FlatList, StyleSheet, Text, TextInput, View } from 'react-native'
import { client } from './client.ts'

export function App() {
  return (
    <RoomfulProvider client={client}>
      <Chat roomId="lobby" />
    </RoomfulProvider>
  )
}

function Chat({ roomId }: { readonly roomId: string }) {
  const { status } = useConnection()
  const { members } = usePresence(roomId)
  const { messages, send, retry, hasMore, loadOlder } = useMessages(roomId)
  const [content, setContent] = useState('')
  const submit = (): void => {
    if (content.trim() === '') return
    send(content) // in the list at once, and kept until it is stored
    setContent('')
  }
  const newestFirst = [...messages].reverse()
  return (
    <View style={styles.page}>
      <Text accessibilityRole="header">
        {status === 'open' ? `Here: ${members.map(({ name }) => name).join(', ')}` : 'Connecting…'}
      </Text>
      <FlatList
        inverted
        data={newestFirst}
        keyExtractor={({ localId }) => localId}
        onEndReached={() => hasMore && loadOlder()}
        renderItem={({ item: { localId, name, content, status } }) => (
          <Text onPress={() => status === 'failed' && retry(localId)}>
            {name}: {content} {status === 'pending' && '…'}
            {status === 'failed' && 'Not sent: press to try again'}
          </Text>
        )}
      />
      <View style={styles.field}>
        <TextInput
          style={styles.input}
          accessibilityLabel="Message"
          value={content}
          onChangeText={setContent}
          onSubmitEditing={submit}
        />
        <Button title="Send" onPress={submit} />
      </View>
    </View>
  )
}

const styles = StyleSheet.create({
  page: { flex: 1, padding: 16 },
  field: { flexDirection: 'row', gap: 8 },
  input: { flex: 1, borderWidth: 1, padding: 8 },
})

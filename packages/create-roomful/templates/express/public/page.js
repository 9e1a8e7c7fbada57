import { connect } from '@roomful/client'

const client = connect(location.origin, { namespace: '/lobby', name: `Visitor ${Math.floor(Math.random() * 1000)}` })
const room = client.room('lobby') // stays joined through every reconnect

const show = (text) => {
  const line = document.createElement('li')
  line.textContent = text
  document.querySelector('#messages').append(line)
}
room.on('message:new', ({ name, content }) => show(`${name}: ${content}`))
room.on('rolled', ({ name, sides, result }) => show(`${name} rolled ${result} of ${sides}`))

client.subscribe(() => {
  document.querySelector('#status').textContent = client.state.status
})
document.querySelector('form').addEventListener('submit', (event) => {
  event.preventDefault()
  const { content } = event.target.elements
  if (content.value.trim() === '') return
  room.send(content.value)
  content.value = ''
})
document.querySelector('#roll').addEventListener('click', () => client.request('roll', { sides: 6 }))

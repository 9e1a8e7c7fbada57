/** The presentation that every server has. It has no owner, so everyone may turn its slides. */
import type { Stage } from './contract.ts'

export const NO_OWNER = ''

export const WELCOME: Omit<Stage, 'index'> = {
  stageId: 'welcome',
  title: 'One room, every client',
  userId: NO_OWNER,
  name: 'Commons',
  slides: [
    {
      title: 'One room, every client',
      lines: ['Everyone watching sees the same slide.', 'Send a reaction and watch it float by on every screen.'],
    },
    {
      title: 'A position is a number',
      lines: [
        'Every saved event gets a number in its room.',
        'Come back with your last number and get exactly what you missed.',
      ],
    },
    {
      title: 'Not everything is saved',
      lines: [
        'The current slide is durable: latecomers see it too.',
        'Reactions are volatile: slow screens skip a few and never hold anyone up.',
      ],
    },
    {
      title: 'Use any client',
      lines: [
        'A WebSocket, a Socket.IO client, an EventSource, a long poll, curl.',
        'Open the transport lab to compare what each one costs.',
      ],
    },
    { title: 'Your turn', lines: ['Go back and create your own presentation.'] },
  ],
}

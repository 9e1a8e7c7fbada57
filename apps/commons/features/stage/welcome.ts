/** The presentation that is there from the start. Nobody owns it, so anybody may turn its slides. */
import type { Stage } from './contract.ts'

export const NOBODY = ''

export const WELCOME: Omit<Stage, 'index'> = {
  stageId: 'welcome',
  title: 'One room, every client',
  userId: NOBODY,
  name: 'Commons',
  slides: [
    {
      title: 'One room, every client',
      lines: ['Everyone who watches sees the same slide.', 'Try a reaction: it floats on every screen.'],
    },
    {
      title: 'A position is a number',
      lines: [
        'Each event that lasts has a number in its room.',
        'Whoever was away says where they were, and gets exactly what they missed.',
      ],
    },
    {
      title: 'Not everything lasts',
      lines: [
        'The slide that is shown is durable: late comers see it.',
        'A reaction is volatile: whoever is slow does not see it, and nobody waits for them.',
      ],
    },
    {
      title: 'Whatever you connect with',
      lines: [
        'A WebSocket, a Socket.IO client, an EventSource, a long poll, curl.',
        'Open the transport lab and compare what each of them costs.',
      ],
    },
    { title: 'Your turn', lines: ['Go back and make a presentation of your own.'] },
  ],
}

/** What the page and the server of the assistant agree on. */
export const ASSISTANT_ROOM = 'assistant'
/** No account has an id with a colon. */
export const ASSISTANT = { userId: 'commons:assistant', name: 'Assistant' } as const

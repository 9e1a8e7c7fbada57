/** A moment to the second, as one compares it with a log. */
export const exactTime = new Intl.DateTimeFormat('en', { dateStyle: 'short', timeStyle: 'medium', hourCycle: 'h23' })

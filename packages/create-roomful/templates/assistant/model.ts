/**
 * Answers a question word by word. With a model of the AI SDK the body is
 * `yield* streamText({ model, prompt: question, abortSignal: signal }).textStream`.
 */
export async function* answer(question: string, signal: AbortSignal): AsyncGenerator<string> {
  const text = `You asked “${question}”. This text comes from model.ts, one word after another, as that of a model would. Everyone in the room reads it at the same time; who reloads the page gets it from its beginning, and anyone can stop it. Put your model in its place.`
  for (const word of text.split(/(?<= )/)) {
    await new Promise((resolve) => setTimeout(resolve, 80))
    if (signal.aborted) return
    yield word
  }
}

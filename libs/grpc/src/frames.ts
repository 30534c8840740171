/** Where an error came from: the frames of its stack, without the message before them, which may have any lines. */
export const framesOf = (error: unknown): string[] => {
  if (!(error instanceof Error)) return [];
  const [stack, message] = [error.stack ?? '', error.message];
  // The stack begins with the name and the message as they were when the error was made.
  const at = message === '' ? 0 : stack.indexOf(message);
  const frames = at < 0 ? [] : stack.slice(at + message.length).split('\n');
  return frames.filter((line) => /^ {4}at \S/.test(line));
};

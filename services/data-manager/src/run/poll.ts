/** A function that runs again and again. */
export type Poll = { stop: () => Promise<void> };

/** Runs `look` every `everyMs`, never twice at once. An error is no news: the next look tries again. */
export const poll = (everyMs: number, look: () => Promise<void>): Poll => {
  let current: Promise<void> | undefined;
  const timer = setInterval(() => {
    current ??= look()
      .catch(() => {})
      .finally(() => {
        current = undefined;
      });
  }, everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await current;
    },
  };
};

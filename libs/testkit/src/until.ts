/** Asks again until there is a response, for at most `timeoutMs`. */
export const until = async <Item>(look: () => Promise<Item | undefined>, timeoutMs = 20_000): Promise<Item> => {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > endMs) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

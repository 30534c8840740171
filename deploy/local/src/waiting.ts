// What a start or an end waits for, said while it lasts.
const TELL_EVERY_MS = 3_000;

/** Works, and tells every three seconds what is waited for. */
export const tellWhileWaiting = async <R>(tell: (text: string) => void, what: string, work: () => Promise<R>): Promise<R> => {
  const timer = setInterval(() => tell(`Waiting for ${what} …`), TELL_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
};

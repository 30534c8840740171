// What must leave the process before it exits. Telemetry is loaded apart from the service, so the two meet here.
const flushes: (() => Promise<void>)[] = [];

/** Has `flush` awaited before the process exits. */
export const onFlush = (flush: () => Promise<void>): void => {
  flushes.push(flush);
};

/** Awaits every flush for at most `timeoutMs`; returns whether all of them were done. */
export const flushAll = async (timeoutMs: number): Promise<boolean> => {
  const timeout = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => timeout.resolve(false), timeoutMs);
  const done = Promise.allSettled(flushes.map((flush) => flush())).then((results) => results.every(({ status }) => status === 'fulfilled'));
  return Promise.race([done, timeout.promise]).finally(() => clearTimeout(timer));
};

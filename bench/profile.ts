// A CPU profile of a service while it works, taken through the inspector that NODE_OPTIONS opened in it.
import { readFileSync } from 'node:fs';
import { printColumns } from './table.ts';

/** Opens an inspector on a free port in every Node process that inherits it. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

type CallFrame = { functionName: string; url: string; lineNumber: number };
type Profile = { nodes: { id: number; callFrame: CallFrame }[]; samples: number[]; timeDeltas: number[] };
type Answer = { id: number; result: { profile?: Profile } };

const ANNOUNCED = /ws:\/\/(127\.0\.0\.1:\d+)\/\S+/g;
const SAMPLING_US = 500;
const TOP = 15;

/** The inspector's address of the process that runs `main`; its watcher writes into the same log. */
const findTarget = async (logFile: string, main: string): Promise<string> => {
  for (const [, host] of readFileSync(logFile, 'utf8').matchAll(ANNOUNCED)) {
    const targets = (await (await fetch(`http://${host}/json/list`)).json()) as {
      title: string;
      url: string;
      webSocketDebuggerUrl: string;
    }[];
    const target = targets.find(({ title, url }) => title.includes(main) || url.endsWith(main));
    if (target) return target.webSocketDebuggerUrl;
  }
  throw new Error(`no inspector of ${main} in ${logFile}`);
};

const openSession = async (
  address: string,
): Promise<{ ask: (method: string, params?: object) => Promise<Answer['result']>; close: () => void }> => {
  const socket = new WebSocket(address);
  const waiting = new Map<number, (answer: Answer) => void>();
  let nextId = 1;
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer;
    waiting.get(answer.id)?.(answer);
  });
  const ask = (method: string, params: object = {}): Promise<Answer['result']> =>
    new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, (answer) => resolve(answer.result));
      socket.send(JSON.stringify({ id, method, params }));
    });
  return { ask, close: () => socket.close() };
};

const shorten = (url: string): string =>
  url
    .replace(/^.*\/node_modules\//, '')
    .replace(/^file:\/\//, '')
    .replace(/^.*\/(?=(?:libs|services)\/)/, '');

const selfTimes = (profile: Profile): [place: string, microseconds: number][] => {
  const places = new Map(
    profile.nodes.map(({ id, callFrame }) => [
      id,
      `${callFrame.functionName || '(anonymous)'} ${shorten(callFrame.url)}:${callFrame.lineNumber + 1}`,
    ]),
  );
  const times = new Map<string, number>();
  for (const [index, id] of profile.samples.entries()) {
    const place = places.get(id) ?? '';
    if (!place.startsWith('(idle)')) times.set(place, (times.get(place) ?? 0) + (profile.timeDeltas[index] ?? 0));
  }
  return [...times].toSorted(([, left], [, right]) => right - left);
};

/** Prints where the process that runs `main` spent its time while `work` ran: the first functions by their own share, idle time apart. */
export const profileWhile = async <R>(title: string, logFile: string, main: string, work: () => Promise<R>): Promise<R> => {
  const session = await openSession(await findTarget(logFile, main));
  await session.ask('Profiler.enable');
  await session.ask('Profiler.setSamplingInterval', { interval: SAMPLING_US });
  await session.ask('Profiler.start');
  try {
    return await work();
  } finally {
    const { profile } = await session.ask('Profiler.stop');
    session.close();
    const times = profile ? selfTimes(profile) : [];
    const total = times.reduce((sum, [, time]) => sum + time, 0);
    process.stdout.write(`\n${title}: CPU of ${main}, own time by function\n`);
    printColumns(times.slice(0, TOP).map(([place, time]) => [`${((time / total) * 100).toFixed(1)}%`, place]));
  }
};

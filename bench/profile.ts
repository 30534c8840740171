// A CPU profile of a service while it works, taken through the inspector that NODE_OPTIONS opened in it.
import { readFileSync } from 'node:fs';
import { printColumns } from './table.ts';

/** Opens an inspector on a free port in every Node process that inherits it. */
export const INSPECTED = { NODE_OPTIONS: '--inspect=127.0.0.1:0' };

type CallFrame = { functionName: string; url: string; lineNumber: number };
type Node = { id: number; callFrame: CallFrame; children?: number[] };
type Profile = { nodes: Node[]; samples: number[]; timeDeltas: number[] };
type Reply = { id: number; result: { profile?: Profile } };

const ANNOUNCED = /ws:\/\/(127\.0\.0\.1:\d+)\/\S+/g;
const SAMPLING_US = 500;
const TOP = 15;
const IDLE = '(idle)';

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
): Promise<{ ask: (method: string, params?: object) => Promise<Reply['result']>; close: () => void }> => {
  const socket = new WebSocket(address);
  const waiting = new Map<number, (response: Reply) => void>();
  let nextId = 1;
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', reject);
  });
  socket.addEventListener('message', ({ data }) => {
    const response = JSON.parse(String(data)) as Reply;
    waiting.get(response.id)?.(response);
  });
  const ask = (method: string, params: object = {}): Promise<Reply['result']> =>
    new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, (response) => resolve(response.result));
      socket.send(JSON.stringify({ id, method, params }));
    });
  return { ask, close: () => socket.close() };
};

const shorten = (url: string): string =>
  url
    .replace(/^.*\/node_modules\//, '')
    .replace(/^file:\/\//, '')
    .replace(/^.*\/(?=(?:libs|services)\/)/, '');

const packageOf = (url: string): string =>
  /^(?:@[^/]+\/[^/]+|(?:libs|services)\/[^/]+|node:[^/]+|[^/]+)/.exec(shorten(url))?.[0] ?? '(native)';

type Times = [place: string, microseconds: number][];

/** The samples by two names each: the function that ran, and the nearest package on the stack of what ran. */
const timesOf = ({ nodes, samples, timeDeltas }: Profile): { functions: Times; packages: Times } => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap(({ id, children }) => (children ?? []).map((child) => [child, id] as const)));
  const functionOf = ({ callFrame: { functionName, url, lineNumber } }: Node): string =>
    `${functionName || '(anonymous)'} ${url === '' ? '' : `${shorten(url)}:${lineNumber + 1}`}`.trim();
  const nearestPackage = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const url = byId.get(at)?.callFrame.url ?? '';
      if (url !== '' && !url.startsWith('node:')) return packageOf(url);
    }
    return functionOf(byId.get(id) as Node).startsWith('(') ? functionOf(byId.get(id) as Node) : '(Node itself)';
  };
  const sums = { functions: new Map<string, number>(), packages: new Map<string, number>() };
  for (const [index, id] of samples.entries()) {
    const node = byId.get(id);
    if (!node) continue;
    const delta = timeDeltas[index] ?? 0;
    const names = { functions: functionOf(node), packages: nearestPackage(id) };
    for (const kind of ['functions', 'packages'] as const) sums[kind].set(names[kind], (sums[kind].get(names[kind]) ?? 0) + delta);
  }
  const sorted = (times: Map<string, number>): Times => [...times].toSorted(([, left], [, right]) => right - left);
  return { functions: sorted(sums.functions), packages: sorted(sums.packages) };
};

const printShares = (times: Times, count: number): void => {
  const busy = times.filter(([place]) => place !== IDLE);
  const total = busy.reduce((sum, [, time]) => sum + time, 0);
  printColumns(busy.slice(0, count).map(([place, time]) => [`${((time / total) * 100).toFixed(1)}%`, place]));
};

/** Prints where the process that runs `main` spent its time while `work` ran: by function, then by package; idle time apart. */
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
    if (profile) {
      const { functions, packages } = timesOf(profile);
      const total = functions.reduce((sum, [, time]) => sum + time, 0);
      const idle = functions.find(([place]) => place === IDLE)?.[1] ?? 0;
      process.stdout.write(`\n${title}: CPU of ${main}, ${((idle / total) * 100).toFixed(0)}% idle. Own time by function\n`);
      printShares(functions, TOP);
      process.stdout.write('  by nearest package on the stack\n');
      printShares(packages, TOP);
    }
  }
};

// Rules about which folder may know which.
import { codeName, methodsOf, serviceType } from '@lethe/contracts/registry';
import { NOUNS, SERVICE_NAMES } from '@lethe/contracts/nouns';
import { SERVICE_FOLDERS } from '@lethe/servers/repository';
import { importsOf, isTest, type Finding, type Rule, type Source } from './sources.ts';

const SERVICE_SOURCE = /^services\/([^/]+)\/src\/(.+)$/;

/** The room of a service's file: its folder under `src`, one level more for stages; a file directly under `src` is a room of its own. */
export const roomOf = (file: string): { service: string; room: string } | undefined => {
  const [, service, path] = SERVICE_SOURCE.exec(file) ?? [];
  if (service === undefined || path === undefined) return undefined;
  const parts = path.split('/');
  const depth = parts[0] === 'stages' && parts.length > 2 ? 2 : 1;
  return { service, room: parts.slice(0, depth).join('/') };
};

type Edge = { to: string; file: string; line: number };
type Graph = Map<string, Edge[]>;

const graphs = (sources: readonly Source[]): Map<string, Graph> => {
  const byService = new Map<string, Graph>();
  for (const source of sources) {
    const own = roomOf(source.file);
    if (!own || isTest(source.file)) continue;
    const graph = byService.get(own.service) ?? new Map<string, Edge[]>();
    byService.set(own.service, graph);
    for (const { target, line } of importsOf(source)) {
      const other = target === undefined ? undefined : roomOf(target);
      if (!other || other.service !== own.service || other.room === own.room) continue;
      graph.set(own.room, [...(graph.get(own.room) ?? []), { to: other.room, file: source.file, line }]);
    }
  }
  return byService;
};

const reaches = (graph: Graph, from: string, to: string, seen = new Set<string>()): boolean => {
  if (from === to) return true;
  if (seen.has(from)) return false;
  seen.add(from);
  return (graph.get(from) ?? []).some((edge) => reaches(graph, edge.to, to, seen));
};

/** No two rooms of a service need each other, directly or through others. */
export const noRoomCycles: Rule = (sources) =>
  [...graphs(sources).values()].flatMap((graph) =>
    [...graph].flatMap(([room, edges]) =>
      edges
        .filter(({ to }) => reaches(graph, to, room))
        .map(({ to, file, line }): Finding => ({
          file,
          line,
          rule: 'room-cycle',
          text: `${room} imports ${to}, which leads back to ${room}`,
        })),
    ),
  );

// Each library imports those before it only.
const LINE = ['contracts', 'module', 'grpc', 'db', 'events', 'service'];
const MAY_IMPORT: Record<string, string[]> = {
  ...Object.fromEntries(LINE.map((name, index) => [name, LINE.slice(0, index)])),
  servers: ['contracts'],
  testkit: [...LINE, 'servers'],
};

/** Libraries import those before them in their line, and never a service or `deploy/`; what only tests import is free. */
export const libraryLine: Rule = (sources) =>
  sources.flatMap((source) => {
    const [, library] = /^libs\/([^/]+)\//.exec(source.file) ?? [];
    if (library === undefined) return [];
    return importsOf(source).flatMap(({ specifier, target, line }): Finding[] => {
      const [, other] = /^@lethe\/([^/]+)/.exec(specifier) ?? [];
      const outside = target !== undefined && !target.startsWith(`libs/${library}/`);
      const allowed =
        other === undefined || other === library || (isTest(source.file) ? other !== 'local' : MAY_IMPORT[library]?.includes(other));
      return allowed && !outside ? [] : [{ file: source.file, line, rule: 'library-line', text: `libs/${library} imports ${specifier}` }];
    });
  });

/** Each RPC is called by a test: of its service, or of the whole stack. */
export const rpcTested: Rule = (sources) => {
  const tests = sources.filter(
    ({ file }) => /^(?:services\/[^/]+\/test|e2e)\/.*\.test\.ts$/.test(file) && !file.endsWith('conformance.test.ts'),
  );
  return NOUNS.flatMap((noun) => {
    const file = `services/${SERVICE_FOLDERS[noun]}/src/rpc/index.ts`;
    return [...methodsOf(serviceType(SERVICE_NAMES[noun])).keys()]
      .filter((name) => !tests.some(({ text }) => text.includes(`.${codeName(name)}(`)))
      .map((name): Finding => ({
        file,
        line: 1,
        rule: 'rpc-tested',
        text: `no test of services/${SERVICE_FOLDERS[noun]}/test or e2e calls ${name}`,
      }));
  });
};

const kebab = (name: string): string => name.replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();

/** `rpc/` has one file for each method of the service, named after it, and `index.ts`. */
export const rpcFiles: Rule = (sources) =>
  NOUNS.flatMap((noun) => {
    const folder = `services/${SERVICE_FOLDERS[noun]}/src/rpc/`;
    const methods = [...methodsOf(serviceType(SERVICE_NAMES[noun])).keys()].map((name) => `${kebab(name)}.ts`);
    const present = sources.filter(({ file }) => file.startsWith(folder) && !isTest(file)).map(({ file }) => file.slice(folder.length));
    const finding = (name: string, text: string): Finding => ({ file: folder + name, line: 1, rule: 'rpc-files', text });
    return [
      ...present
        .filter((name) => name !== 'index.ts' && !methods.includes(name))
        .map((name) => finding(name, 'is no RPC: what RPCs share lies in app/')),
      ...methods.filter((name) => !present.includes(name)).map((name) => finding(name, 'is missing: each RPC has a file of its name')),
    ];
  });

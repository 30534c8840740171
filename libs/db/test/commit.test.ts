// A connection that is lost while COMMIT is on its way: the outcome is read, not guessed.
import { serviceDatabaseUrl } from '@lethe/servers/provision';
import '@lethe/testkit/suite';
import { copyTemplate } from '@lethe/testkit/template';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { mutateAsSystem } from '../src/mutate.ts';
import { openStore, type Store } from '../src/open.ts';

let database: Awaited<ReturnType<typeof copyTemplate>>;
let proxy: Server;
let store: Store;
/** What the proxy does when a client sends COMMIT; then it passes everything on. */
let atCommit: 'pass' | 'drop the response' | 'drop the request';

/** A proxy before Postgres that can lose a COMMIT, or the response to one. */
const startProxy = async (port: number): Promise<Server> => {
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    let dropsResponse = false;
    client.on('data', (bytes) => {
      if (atCommit !== 'pass' && bytes.includes('commit')) {
        const lost = atCommit;
        atCommit = 'pass';
        if (lost === 'drop the request') return void client.destroy();
        dropsResponse = true;
      }
      upstream.write(bytes);
    });
    upstream.on('data', (bytes) => (dropsResponse ? client.destroy() : client.write(bytes)));
    for (const [own, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      own.on('error', () => {});
      own.on('close', () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

beforeEach(async () => {
  atCommit = 'pass';
  database = await copyTemplate(inject('postgresUrl'));
  const url = new URL(serviceDatabaseUrl(inject('postgresUrl'), database.database, 'user', inject('passwords')));
  proxy = await startProxy(Number(url.port));
  url.port = String((proxy.address() as AddressInfo).port);
  store = openStore({ url: url.href, schema: 'lethe_user' });
});
afterEach(async () => {
  await store.close();
  proxy.close();
  await database.drop();
});

const change = (): Promise<string> =>
  mutateAsSystem(store, { service: 'user', action: 'test' }, async () => ({ response: 'done', resource: 'things/1' }));

const records = async (): Promise<number> => (await store.db.selectFrom('outgoingEvent').select('id').execute()).length;

test('where COMMIT went through and its response was lost, the change is reported as done, once', async () => {
  atCommit = 'drop the response';
  expect(await change()).toBe('done');
  expect(await records()).toBe(1);
});

test('where COMMIT never arrived, the change is reported as failed, and is not there', async () => {
  atCommit = 'drop the request';
  await expect(change()).rejects.toThrow();
  expect(await records()).toBe(0);
});

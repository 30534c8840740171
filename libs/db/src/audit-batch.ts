// Records of audited reads, committed in groups: one INSERT at a time per process, and a response waits for its group.
import type { AuditSink } from '@lethe/grpc/middleware/audit';
import { auditRow } from './event.ts';
import type { Store } from './open.ts';
import type { OutgoingEventInsert, PlatformTables } from './platform.ts';

const GROUP_SIZE = 1000;

type Waiting = { row: OutgoingEventInsert; done: PromiseWithResolvers<void> };

const insertGroup = async (store: Pick<Store, 'pool' | 'committed'>, group: Waiting[]): Promise<void> => {
  const column = (key: keyof OutgoingEventInsert): unknown[] => group.map(({ row }) => row[key]);
  await store.pool.query({
    name: 'audit-group',
    text: `insert into outgoing_event (event_id, consumer, type, payload, traceparent)
           select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::text[])`,
    values: [column('eventId'), column('consumer'), column('type'), column('payload'), column('traceparent')],
  });
  store.committed();
};

/** A sink that stores records durably before it resolves, at one commit for all calls in flight. When the store is away, every waiting call fails. */
export const auditBatch = <T extends PlatformTables>(store: Store<T>): AuditSink => {
  const waiting: Waiting[] = [];
  let running = false;
  const drain = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const group = waiting.splice(0, GROUP_SIZE);
      try {
        await insertGroup(store, group);
        group.forEach(({ done }) => done.resolve());
      } catch (error) {
        group.forEach(({ done }) => done.reject(error));
      }
    }
    running = false;
  };
  return (record) => {
    const done = Promise.withResolvers<void>();
    waiting.push({ row: auditRow(record, ''), done });
    // The next turn of the loop collects what arrives together.
    if (!running) setImmediate(() => void (running ? undefined : drain()));
    return done.promise;
  };
};

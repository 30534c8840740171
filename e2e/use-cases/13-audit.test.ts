// Use case: Audit.
import { Outcome } from '@lethe/contracts/gen/lethe/event/v1/event';
import type { AuditLog } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, type People } from '@lethe/testkit/people';
import { until } from '@lethe/testkit/until';

let suite: Suite;
let people: People;
let logs: AuditLog[];
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'extdatamodule'] });
  people = await makePeople(suite);
});
afterAll(() => suite.close());

const find = (filter: Parameters<Suite['admin']['audit']['listAuditLogs']>[0]): Promise<AuditLog[]> =>
  until(async () => {
    const { auditLogs } = await suite.admin.audit.listAuditLogs(filter);
    return auditLogs.length > 0 ? auditLogs : undefined;
  });

describe('basic flow', () => {
  test('1. access audit logs: the own actions for everybody, those of a group for its developers', async () => {
    await people.editor.user.getGroup({ groupId: people.groupId });
    await until(async () => (await people.editor.audit.listAuditLogs({})).auditLogs[0]);
    expect((await people.stranger.audit.listAuditLogs({ groupId: people.groupId })).auditLogs).toEqual([]);
  });

  test('2. retrieve logs: what a user did, newest first', async () => {
    const { groupId } = people;
    for (const displayName of ['first', 'second'])
      await people.editor.extdatamodule.createConnection({ groupId, displayName, type: 'file', settings: { path: displayName } });
    logs = await until(async () => {
      const { auditLogs } = await suite.admin.audit.listAuditLogs({ actorId: people.editor.id, action: 'CreateConnection' });
      return auditLogs.length === 2 ? auditLogs : undefined;
    });
    const times = logs.map(({ record }) => record?.time?.getTime() ?? 0);
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  test('2. retrieve logs: a denied action is there as well, with its reason', async () => {
    await denial(people.stranger.user.createGroup({ displayName: 'mine' }));
    const [found] = await find({ actorId: people.stranger.id, outcome: Outcome.DENIED });
    expect(found?.record).toMatchObject({ action: 'lethe.user.v1.UserManager/CreateGroup', reason: 'PERMISSION_DENIED' });
  });

  test('3. search and filter: by resource, time, outcome and text', async () => {
    const resource = logs[0]?.record?.resource ?? '';
    expect((await find({ resource })).every(({ record }) => record?.resource === resource)).toBe(true);
    expect(await find({ query: 'second' })).not.toHaveLength(0);
    const [newest, oldest] = logs.map(({ record }) => record?.time);
    if (!newest || !oldest) throw new Error('the records have no time');
    const { auditLogs } = await suite.admin.audit.listAuditLogs({ action: 'CreateConnection', startTime: newest });
    expect(auditLogs.map(({ id }) => id)).not.toContain(logs[1]?.id);
    expect((await denial(suite.admin.audit.listAuditLogs({ startTime: newest, endTime: oldest }))).reason).toBe('RANGE_INVALID');
  });

  test('3. search and filter: page by page, each record once', async () => {
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await suite.admin.audit.listAuditLogs({ actorId: people.editor.id, action: 'CreateConnection', pageSize: 1, pageToken });
      seen.push(...page.auditLogs.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(seen).toEqual(logs.map(({ id }) => id));
  });

  test('4. select log entry, 5. view details: time, actor, and what changed', async () => {
    const { connection } = await people.editor.extdatamodule.getConnection({ connectionId: logs[0]?.record?.resource.split('/')[1] ?? '' });
    await people.editor.extdatamodule.updateConnection({
      connectionId: connection?.id ?? '',
      connection: { ...(connection as NonNullable<typeof connection>), contract: 'New terms' },
      updateMask: ['contract'],
      etag: connection?.etag ?? '',
    });
    const [change] = await find({ resource: `connections/${connection?.id ?? ''}`, action: 'UpdateConnection' });
    const { auditLog } = await suite.admin.audit.getAuditLog({ auditLogId: change?.id ?? '' });
    expect(auditLog?.record).toMatchObject({ actor: { id: people.editor.id }, outcome: Outcome.OK, after: { contract: 'New terms' } });
    expect(auditLog?.record?.before?.['contract'] ?? '').toBe('');
    expect(auditLog?.record?.time).toBeInstanceOf(Date);
  });

  test('5. view details: an entry of another group is not found, and looking at one is on record itself', async () => {
    const auditLogId = logs[0]?.id ?? '';
    expect((await denial(people.stranger.audit.getAuditLog({ auditLogId }))).reason).toBe('NOT_FOUND');
    await people.editor.audit.getAuditLog({ auditLogId });
    const [seen] = await find({ actorId: people.editor.id, action: 'GetAuditLog', resource: `audit_logs/${auditLogId}` });
    expect(seen?.record?.outcome).toBe(Outcome.OK);
  });
});

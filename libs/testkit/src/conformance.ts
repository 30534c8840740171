// What all six services must agree on, driven by their descriptors, with a valid request for every method.
import { Client, credentials, Metadata, status as Status } from '@grpc/grpc-js';
import { Outcome as RecordedOutcome } from '@lethe/contracts/gen/lethe/event/v1/event';
import { NOUNS, SERVICE_NAMES, type Noun } from '@lethe/contracts/nouns';
import { codeName, methodsOf, serviceType, type MethodInfo } from '@lethe/contracts/registry';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { changesVersioned, expectShown, readerOf, resultIn, sameIn } from './changed-resource.ts';
import { openConformance, type Conformance } from './conformance-calls.ts';
import { bearer, callRaw, RAW, type Outcome } from './raw-call.ts';

const needsGroup = ({ policy }: MethodInfo): boolean => ['ANY_GROUP', 'GROUP_OF_REQUEST', 'GROUP_OF_RESOURCE'].includes(policy.scope);
const isForUsers = ({ policy }: MethodInfo): boolean => policy.callers !== 'SERVICE';
const has =
  (name: string) =>
  ({ input }: MethodInfo): boolean =>
    input.fields.some((field) => field.name === name);

// No field of any message has the wire type 7.
const UNREADABLE = Buffer.from([0x0f, 0xff, 0x01]);

// What a valid request may come to besides OK, where the tenant's state or the request itself has it so.
const EXPECTED: Partial<Record<Noun, Record<string, readonly string[]>>> = {
  user: { Authenticate: ['UNAUTHENTICATED'] },
  extdatamodule: { PublishDataModuleVersion: ['VERSION_STATE'], ResolveConnection: ['TICKET_INVALID'] },
  task: { Pause: ['RUN_STATE'], Resume: ['', 'RUN_ALREADY_ACTIVE'], ResolveUpload: ['RUN_STATE'], Stop: ['OUTBOX_DECISION_REQUIRED'] },
  data: { GetExecution: ['NOT_FOUND'] },
};

// Marks a notification as read: there is nothing to show of it.
const WITHOUT_VIEW = ['AckNotification'];

// Text fields by which a request becomes another one.
const CHANGEABLE = ['etag', 'display_name', 'comment', 'reason'];

// What every write changes, whether it says anything new or not.
const MARKS = ['etag', 'update_time', 'updateTime', 'version', 'revision'];
const withoutMarks = (view: Record<string, unknown> | undefined): Record<string, unknown> | undefined =>
  view && Object.fromEntries(Object.entries(view).filter(([name]) => !MARKS.includes(name)));

/** Runs the suite against one service. The test file's name says which. */
export const conformance = (noun: Noun): void => {
  const fullName = SERVICE_NAMES[noun];
  const methods = [...methodsOf(serviceType(fullName)).values()];
  let on: Conformance;

  describe(`conformance of ${fullName}`, () => {
    beforeAll(async () => {
      on = await openConformance(noun);
    });
    afterAll(() => on?.close());

    test.each(methods)('$name has a policy with a deadline', ({ policy }) => {
      expect(policy.maxDeadlineMs).toBeGreaterThan(0);
    });

    test.each(methods)('$name refuses a call without a token', async (method) => {
      const { error } = await callRaw({ address: on.address, method, request: on.valid(method) });
      expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'UNAUTHENTICATED', domain: method.domain });
    });

    test.each(methods)('$name refuses a token that nobody issued', async (method) => {
      const { error } = await on.call(method, on.valid(method), 'lethe_pat_nobody');
      expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'UNAUTHENTICATED' });
    });

    test.each(methods.filter(needsGroup))(
      '$name refuses a caller who holds its permission in no group, before any look-up',
      async (method) => {
        const { error } = await on.call(method, on.validAbout(method, randomUUID()), on.nobody.token);
        expect(error).toMatchObject({
          code: Status.PERMISSION_DENIED,
          reason: 'PERMISSION_DENIED',
          metadata: { permission: method.policy.permission },
        });
      },
    );

    test.each(methods.filter((method) => !isForUsers(method)))('$name is refused for users', async (method) => {
      const { error } = await on.call(method, on.valid(method), on.suite.admin.token);
      expect(error).toMatchObject({ code: Status.PERMISSION_DENIED, reason: 'SERVICE_ONLY' });
    });

    test.each(methods)('$name refuses every service that its policy does not name', async (method) => {
      for (const service of NOUNS.filter((candidate) => !method.policy.services.includes(candidate))) {
        const { error } = await on.call(method, on.valid(method), await on.asService(service));
        expect([service, error?.reason]).toEqual([service, 'PERMISSION_DENIED']);
      }
    });

    test.each(methods)('$name refuses bytes that are no message of its type', async (method) => {
      const { error } = await on.call(method, UNREADABLE, await on.entitled(method));
      expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'UNREADABLE_REQUEST' });
    });

    test.each(methods.filter(has('page_size')))('$name refuses a negative page size by naming the field', async (method) => {
      const { error } = await on.call(method, on.valid(method, { pageSize: -1 }), await on.entitled(method));
      expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'INVALID_REQUEST' });
      expect(error?.fields.map(({ field }) => field)).toContain('page_size');
    });

    test.each(methods.filter(has('page_size')))('$name refuses a page token of another list', async (method) => {
      const pageToken = Buffer.from('other\nkey').toString('base64url');
      const { error } = await on.call(method, on.valid(method, { pageToken }), await on.entitled(method));
      expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'PAGE_TOKEN_MISMATCH' });
    });

    test.each(methods.filter(has('etag')))('$name wants an etag, and the present one', async (method) => {
      const token = await on.entitled(method);
      expect((await on.call(method, on.valid(method, { etag: '' }), token)).error).toMatchObject({ reason: 'ETAG_REQUIRED' });
      expect((await on.call(method, on.valid(method, { etag: 'stale' }), token)).error).toMatchObject({
        code: Status.ABORTED,
        reason: 'ETAG_MISMATCH',
      });
    });

    test.each(methods)('$name leaves one record of a denied call', async (method) => {
      // A user's token without the scope; a service's method is denied to every user.
      const token = isForUsers(method) ? on.scopeless : on.suite.admin.token;
      const records = await on.recordsOf(method, () => on.call(method, on.valid(method), token));
      expect(records.map(({ outcome, reason }) => [outcome, reason])).toEqual([
        [RecordedOutcome.DENIED, isForUsers(method) ? 'SCOPE_MISSING' : 'SERVICE_ONLY'],
      ]);
    });

    test.each(methods)(
      '$name, called with a valid request by who may, comes to what the request has to and leaves its record',
      async (method) => {
        const expected = EXPECTED[noun]?.[method.name] ?? [''];
        const token = await on.entitled(method);
        const request = on.valid(method, has('request_id')(method) ? { requestId: on.requestIdOf(method) } : {});
        const versioned = changesVersioned(method);
        const before = versioned ? await on.readChanged(method, methods, token) : {};
        let outcome: Outcome | undefined;
        const records = await on.recordsOf(method, async () => {
          outcome = await on.call(method, request, token);
        });
        const reason = outcome?.error?.reason ?? '';
        expect(expected).toContain(reason);
        const denied = records[0]?.outcome === RecordedOutcome.DENIED;
        const recorded = method.policy.audit === 'ALWAYS' || denied ? 1 : 0;
        expect(records.map((record) => record.reason)).toEqual(Array.from({ length: recorded }, () => reason));
        // A change says what it changed, and of which resource.
        if (reason === '' && has('request_id')(method)) {
          expect(records[0]?.resource).toMatch(/^[a-z_]+\/\S+/);
          expect([records[0]?.before, records[0]?.after].some((view) => view !== undefined)).toBe(!WITHOUT_VIEW.includes(method.name));
        }
        if (reason === '' && versioned) {
          const response = resultIn(method, on.decode(method, outcome?.bytes ?? Buffer.alloc(0)));
          const after = await on.readChanged(method, methods, token, response['id']);
          const reader = readerOf(method, methods);
          const [was, is] = [before, after].map((read) => sameIn(reader, read, response));
          expectShown({ before: was, response, after: is, revision: records[0]?.revision });
        }
      },
    );

    const succeeded = methods.filter((method) => has('request_id')(method) && !EXPECTED[noun]?.[method.name]);

    test.each(succeeded)('$name gives the first response again for its request id, and changes nothing', async (method) => {
      const request = on.valid(method, { requestId: on.requestIdOf(method) });
      const records = await on.recordsOf(method, async () => {
        const again = await on.call(method, request, await on.entitled(method));
        expect(again.error).toBeUndefined();
        expect(again.bytes.length).toBeGreaterThan(0);
      });
      expect(records).toHaveLength(1);
      expect(records[0]?.after).toBeUndefined();
    });

    test.each(succeeded.filter((method) => CHANGEABLE.some((name) => has(name)(method))))(
      '$name refuses its request id with another request',
      async (method) => {
        const name = CHANGEABLE.find((candidate) => has(candidate)(method)) ?? '';
        const field = method.input.fields.find((candidate) => candidate.name === name)?.localName ?? '';
        const request = on.valid(method, { requestId: on.requestIdOf(method), [field]: 'another' });
        const { error } = await on.call(method, request, await on.entitled(method));
        expect(error).toMatchObject({ code: Status.INVALID_ARGUMENT, reason: 'REQUEST_ID_REUSED' });
      },
    );

    // An etag that is sent says that another change is meant.
    test.each(succeeded.filter((method) => !has('etag')(method)))(
      '$name, asked for once more, is refused or changes something',
      async (method) => {
        let outcome: Outcome | undefined;
        const records = await on.recordsOf(method, async () => {
          outcome = await on.call(method, on.valid(method, { requestId: randomUUID() }), await on.entitled(method));
        });
        if (outcome?.error) return;
        const [before, after] = [records[0]?.before, records[0]?.after].map(withoutMarks);
        if (after !== undefined) expect(after).not.toEqual(before);
      },
    );

    test('a deadline that has passed is reported as such', async () => {
      const [method] = methods.filter(isForUsers);
      if (!method) throw new Error('there is no method for users');
      const request = on.valid(method);
      const { error } = await callRaw({ address: on.address, method, request, metadata: bearer(on.suite.admin.token), deadlineMs: -1 });
      expect(error?.code).toBe(Status.DEADLINE_EXCEEDED);
    });

    test('two tokens in one header are refused', async () => {
      const [method] = methods.filter(isForUsers);
      if (!method) throw new Error('there is no method for users');
      const { error } = await on.call(method, on.valid(method), `${on.suite.admin.token}, Bearer ${on.nobody.token}`);
      expect(error).toMatchObject({ code: Status.UNAUTHENTICATED, reason: 'UNAUTHENTICATED' });
    });

    test('every method has its valid request', () => {
      for (const method of methods) expect([method.name, on.hasRequest(codeName(method.name))]).toEqual([method.name, true]);
    });

    test('health says SERVING, by service name', async () => {
      const client = new Client(on.address, credentials.createInsecure());
      const name = Buffer.from(fullName);
      const request = Buffer.concat([Buffer.from([0x0a, name.length]), name]);
      const options = { deadline: Date.now() + 5_000 };
      const bytes = await new Promise<Buffer | undefined>((resolve) =>
        client.makeUnaryRequest('/grpc.health.v1.Health/Check', RAW, RAW, request, new Metadata(), options, (_error, response) =>
          resolve(response),
        ),
      );
      client.close();
      expect(bytes).toEqual(Buffer.from([0x08, 0x01]));
    });
  });
};

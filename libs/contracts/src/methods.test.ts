// What the contract asks of each method beyond what its linter can see.
import { getOption, hasOption, toJson, type DescField, type Message } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { messageType, methodsOf, registry, resourceFields, services } from './registry.ts';

const methods = services().flatMap((service) => [...methodsOf(service).values()]);
const forUsers = methods.filter(({ policy }) => policy.callers !== 'SERVICE');

// Ids that are no UUID: an actor may be a service, an upload's id is its run's with a number.
const OTHER_IDS = ['actor_id', 'upload_id'];
const ids = methods.flatMap(({ name, input }) =>
  input.fields
    .filter((field) => field.name.endsWith('_id') && !OTHER_IDS.includes(field.name))
    .map((field) => [name, field.name, field] as const),
);

const rulesOf = (field: DescField): unknown => {
  const option = registry.getExtension('buf.validate.field');
  if (!option || !hasOption(field, option)) return {};
  return toJson(messageType('buf.validate.FieldRules'), getOption(field, option) as Message, { registry });
};

test.each(ids)('%s takes nothing but a UUID as `%s`', (_, __, field) => {
  expect(rulesOf(field)).toMatchObject({ string: { uuid: true } });
});

const NAMING_SCOPES = ['GROUP_OF_REQUEST', 'GROUP_OF_RESOURCE', 'CONNECTION_OWNER', 'SUPERUSER'];

describe.each(forUsers)('$name', ({ name, input, policy }) => {
  // The audit record names the resource by it, and the tenant matrix calls the method with an id of another tenant.
  test('says of which kind the resource is whose group its policy looks at', () => {
    if (NAMING_SCOPES.includes(policy.scope)) expect(resourceFields(input)).not.toEqual([]);
  });

  test('has a request id where it changes something, and nowhere else', () => {
    const reads = /^(?:Get|List|Check|Watch|Read|Test)/.test(name);
    expect(input.fields.some((field) => field.name === 'request_id')).toBe(!reads);
  });
});

// Settings and secrets against the JSON Schemas of their type.
import { fail, type FieldViolation } from '@lethe/grpc/errors';
import { schemaSentence } from '@lethe/module/schema-sentence';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { randomUUID } from 'node:crypto';
import { CONNECTION_KINDS, connectionKind, type ConnectionKind } from '../domain/connection-types.ts';
import { splitUri } from '../domain/uri.ts';

const MAX_VIOLATIONS = 50;

const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: true, allowUnionTypes: true });
ajv.addFormat('uri', (value) => URL.canParse(value));
const compiled = new Map<string, { settings: ValidateFunction; secret: ValidateFunction }>(
  CONNECTION_KINDS.map((kind) => [
    `${kind.type}/${kind.schemaVersion}`,
    { settings: ajv.compile({ ...kind.settings, $id: randomUUID() }), secret: ajv.compile({ ...kind.secret, $id: randomUUID() }) },
  ]),
);

/** What a caller sends of a connection's address. */
export type Address = { settings: Record<string, unknown> | undefined; secret: Record<string, string> | undefined; uri: string };

/** Settings with defaults filled in, and the secret's values; undefined = not sent. */
export type CheckedAddress = { kind: ConnectionKind; settings: Record<string, unknown>; secret: Record<string, string> | undefined };

const toViolation =
  (field: string) =>
  (error: ErrorObject): FieldViolation => ({
    field: `${field}#${error.instancePath}`,
    rule: error.keyword,
    description: schemaSentence(error),
  });

const check = (validate: ValidateFunction | undefined, field: string, value: unknown): FieldViolation[] =>
  validate?.(value) ? [] : (validate?.errors ?? []).slice(0, MAX_VIOLATIONS).map(toViolation(field));

/** Checks an address of a type; throws with every problem found. */
export const checkAddress = (type: string, address: Address): CheckedAddress => {
  const kind = connectionKind(type);
  if (!kind)
    throw fail(
      'TYPE_UNKNOWN',
      { type },
      { fields: [{ field: 'type', rule: 'TYPE_UNKNOWN', description: 'there is no such connection type' }] },
    );
  const both = address.settings !== undefined || address.secret !== undefined;
  const split = address.uri === '' ? undefined : splitUri(type, address.uri);
  if (address.uri !== '' && (both || !split)) {
    throw fail(
      'URI_INVALID',
      {},
      {
        fields: [
          {
            field: 'uri',
            rule: 'URI_INVALID',
            description: both ? 'send either a uri or settings and secret' : 'the uri is not one of the type',
          },
        ],
      },
    );
  }
  const settings = structuredClone(split?.settings ?? address.settings ?? {});
  const secret = split?.secret ?? address.secret;
  const validators = compiled.get(`${kind.type}/${kind.schemaVersion}`);
  const fields = [
    ...check(validators?.settings, 'settings', settings),
    ...(secret ? check(validators?.secret, 'secret.values', secret) : []),
  ];
  if (fields.length > 0) throw fail('SETTINGS_INVALID', {}, { fields });
  return { kind, settings, secret };
};

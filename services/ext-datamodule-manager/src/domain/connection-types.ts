// The kinds of connections, each with the JSON Schema of its settings and of its secrets. Old schema versions stay readable.
import type { ConnectionType } from '@lethe/module/connection-types';

/** A kind of connection at a version of its schema. */
export type ConnectionKind = {
  readonly type: ConnectionType;
  readonly schemaVersion: number;
  readonly description: string;
  readonly settings: Record<string, unknown>;
  readonly secret: Record<string, unknown>;
  readonly readable: boolean;
  readonly writable: boolean;
};

// Settings are visible to the group, so headers that hold secrets are refused. JSON Schema has no flag for the case of letters.
const CREDENTIAL_HEADERS = ['authorization', 'proxy-authorization', 'cookie', 'x-api-key', 'x-auth-token'];
// What a client says of the message itself (RFC 9110, 7.6.1), which is not for settings to say.
const MESSAGE_HEADERS = ['connection', 'content-length', 'expect', 'host', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade'];
const inAnyCase = (word: string): string => word.replaceAll(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
// The letters of a header's name and of its value (RFC 9110, 5.1 and 5.5).
const HEADER_NAME = `^(?!(?:${[...CREDENTIAL_HEADERS, ...MESSAGE_HEADERS].map(inAnyCase).join('|')})$)[!#$%&'*+.^_\`|~0-9A-Za-z-]{1,256}$`;
const HEADER_VALUE = String.raw`^(?! )[\t\x20-\x7e\x80-\xff]*$`;

const object = (properties: Record<string, unknown>, required: string[] = []): Record<string, unknown> => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
});
const text = (description: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  type: 'string',
  minLength: 1,
  maxLength: 1024,
  description,
  ...more,
});

const POSTGRES: ConnectionKind = {
  type: 'postgres',
  schemaVersion: 1,
  description: 'A PostgreSQL database. Tables are read and written.',
  settings: object(
    {
      host: text('Name or address of the server.', { pattern: '^[A-Za-z0-9.:_-]+$' }),
      port: { type: 'integer', minimum: 1, maximum: 65535, default: 5432, description: 'Port of the server.' },
      database: text('Name of the database.'),
      user: text('Name of the role.'),
      schema: text('Schema of tables that name none.', { default: 'public', maxLength: 63 }),
      tls: {
        type: 'string',
        enum: ['disable', 'require', 'verify-full'],
        default: 'disable',
        description: 'How the connection is protected.',
      },
    },
    ['host', 'database', 'user'],
  ),
  secret: object({ password: text('Password of the role.') }),
  readable: true,
  writable: true,
};

const FILE: ConnectionKind = {
  type: 'file',
  schemaVersion: 1,
  description: 'A folder of csv and jsonl files below the file root of DataManager.',
  settings: object(
    { path: text('Folder, relative to the file root.', { pattern: String.raw`^(?!/)(?!.*(?:^|/)\.\.(?:/|$))[^\u0000]+$` }) },
    ['path'],
  ),
  secret: object({}),
  readable: true,
  writable: true,
};

const HTTP: ConnectionKind = {
  type: 'http',
  schemaVersion: 1,
  description: 'An HTTP API that returns JSON. Only the host of the base URL is called.',
  settings: object(
    {
      baseUrl: text('Base of all paths, http or https, without credentials.', {
        pattern: String.raw`^https?://[^/?#@\s]+(?:/[^?#\s]*)?$`,
        format: 'uri',
      }),
      headers: {
        type: 'object',
        maxProperties: 20,
        propertyNames: { pattern: HEADER_NAME },
        additionalProperties: { type: 'string', maxLength: 1024, pattern: HEADER_VALUE },
        description:
          'Headers of every request. Those that carry credentials are refused: the token is the secret; so are those that say how the message is sent.',
      },
      authorizationScheme: { type: 'string', enum: ['Bearer', 'Basic'], default: 'Bearer', description: 'How the token is sent.' },
    },
    ['baseUrl'],
  ),
  secret: object({ token: text('Sent as `authorization: <scheme> <token>`.', { maxLength: 8192, pattern: String.raw`^[\x21-\x7e]+$` }) }),
  readable: true,
  writable: false,
};

const KINDS: Record<ConnectionType, readonly ConnectionKind[]> = { file: [FILE], http: [HTTP], postgres: [POSTGRES] };

/** All kinds, newest schema version last. */
export const CONNECTION_KINDS: readonly ConnectionKind[] = Object.values(KINDS).flat();

/** The newest version of a kind, or the version named. */
export const connectionKind = (type: string, schemaVersion?: number): ConnectionKind | undefined =>
  CONNECTION_KINDS.filter((kind) => kind.type === type && (schemaVersion === undefined || kind.schemaVersion === schemaVersion)).at(-1);

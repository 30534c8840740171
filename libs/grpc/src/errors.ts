// The one place where errors become statuses, and statuses become errors again.
import { Metadata, status as Status, type ServiceError, type StatusObject } from '@grpc/grpc-js';
import type { Reason } from '@lethe/contracts/reason';
import { reasonOf, type ReasonInfo } from '@lethe/contracts/registry';
import { BadRequest, ErrorInfo, Help, PreconditionFailure, RetryInfo, Status as RichStatus } from '@lethe/contracts/gen/google/rpc/status';

const TYPE_URL = 'type.googleapis.com/google.rpc.';
const DETAILS_KEY = 'grpc-status-details-bin';

/** A field that breaks a rule: proto path (or JSON pointer), the rule's name, and a sentence without values. */
export type FieldViolation = { field: string; rule: string; description: string };
/** One thing that stands in the way. */
export type PreconditionViolation = { type: string; subject: string; description: string };

type AppErrorOptions = {
  fields?: FieldViolation[];
  preconditions?: PreconditionViolation[];
  retryDelayMs?: number;
  message?: string;
  cause?: unknown;
};

/** An expected error: a reason of the catalogue, metadata for the client, and details. Its text never holds data values. */
export class AppError extends Error {
  readonly reason: string;
  readonly metadata: Record<string, string>;
  readonly fields: FieldViolation[];
  readonly preconditions: PreconditionViolation[];
  readonly retryDelayMs: number | undefined;
  /** A sentence of its own, in place of the catalogue's. */
  readonly text: string | undefined;

  constructor(reason: string, metadata: Record<string, string>, options: AppErrorOptions) {
    super(options.message ?? reason, { cause: options.cause });
    this.text = options.message;
    this.name = 'AppError';
    this.reason = reason;
    this.metadata = metadata;
    this.fields = options.fields ?? [];
    this.preconditions = options.preconditions ?? [];
    this.retryDelayMs = options.retryDelayMs;
  }
}

// A response's headers have a size that HTTP/2 peers take: more would end the session, and with it every other call.
const MAX_VIOLATIONS = 50;
const MAX_TEXT_LENGTH = 512;
const MAX_DETAILS_BYTES = 4096;

const cut = (text: string): string => (text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH - 1)}…` : text);

/** The catalogue's sentence with the names of this error, and the first thing that is wrong. */
const sentence = (known: ReasonInfo, error: AppError): string => {
  const facts = Object.entries(error.metadata).map(([key, value]) => `${key} ${value}`);
  const [field] = error.fields;
  const first = field ? `${field.field === '' ? '' : `${field.field}: `}${field.description}` : error.preconditions[0]?.description;
  const more = Math.max(error.fields.length, error.preconditions.length) - 1;
  return [
    `${known.meaning}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`,
    ...(first === undefined ? [] : [`${first}${more > 0 ? ` (and ${more} more)` : ''}`]),
  ].join(': ');
};

/** Makes an expected error: `throw fail('RUN_ALREADY_ACTIVE', { run_id })`. */
export const fail = (reason: Reason, metadata: Record<string, string> = {}, options: AppErrorOptions = {}): AppError =>
  new AppError(reason, metadata, options);

/** Makes the error for one bad field. */
export const invalidField = (field: string, rule: string, description: string): AppError =>
  fail('INVALID_REQUEST', {}, { fields: [{ field, rule, description }] });

/** The error for a resource that is missing or may not be seen: the same text for both. */
export const notFound = (kind: string): AppError => fail('NOT_FOUND', { resource: kind }, { message: `${kind} not found` });

/** A status as it goes to the client. */
export type MappedStatus = Partial<StatusObject> & { code: Status; details: string; reason: string; metadata: Metadata };

const any = (name: string, value: Uint8Array): { typeUrl: string; value: Buffer } => ({
  typeUrl: TYPE_URL + name,
  value: Buffer.from(value),
});

// As many violations as fit; the first come first.
const fitting = <V extends object>(violations: readonly V[], sizeOf: (kept: V[]) => number): V[] => {
  const kept = violations
    .slice(0, MAX_VIOLATIONS)
    .map((each) => Object.fromEntries(Object.entries(each).map(([key, text]) => [key, cut(String(text))])) as V);
  while (kept.length > 1 && sizeOf(kept) > MAX_DETAILS_BYTES) kept.pop();
  return kept;
};

const badRequest = (fields: readonly FieldViolation[]): Uint8Array => {
  const bytes = (violations: FieldViolation[]): Uint8Array =>
    BadRequest.encode({
      fieldViolations: violations.map(({ field, rule, description }) => ({ field, description, reason: rule })),
    }).finish();
  return bytes(fitting(fields, (kept) => bytes(kept).length));
};

const preconditionFailure = (preconditions: readonly PreconditionViolation[]): Uint8Array => {
  const plain = preconditions.map(({ type, subject, description }) => ({ type, subject, description }));
  const bytes = (violations: PreconditionViolation[]): Uint8Array => PreconditionFailure.encode({ violations }).finish();
  return bytes(fitting(plain, (kept) => bytes(kept).length));
};

const encode = (error: AppError, status: { code: Status; message: string; domain: string; action: string }): Metadata => {
  const { code, message, domain, action } = status;
  const metadata = Object.fromEntries(Object.entries(error.metadata).map(([key, value]) => [key, cut(value)]));
  const details = [any('ErrorInfo', ErrorInfo.encode({ reason: error.reason, domain, metadata }).finish())];
  if (error.fields.length > 0) details.push(any('BadRequest', badRequest(error.fields)));
  if (error.preconditions.length > 0) details.push(any('PreconditionFailure', preconditionFailure(error.preconditions)));
  if (error.retryDelayMs !== undefined) {
    const retryDelay = { seconds: BigInt(Math.floor(error.retryDelayMs / 1000)), nanos: (error.retryDelayMs % 1000) * 1_000_000 };
    details.push(any('RetryInfo', RetryInfo.encode({ retryDelay }).finish()));
  }
  if (action !== '') details.push(any('Help', Help.encode({ links: [{ description: action, url: 'docs/errors.md' }] }).finish()));
  const trailer = new Metadata();
  trailer.set(DETAILS_KEY, Buffer.from(RichStatus.encode({ code, message, details }).finish()));
  return trailer;
};

/**
 * Maps whatever was thrown to a status. Errors that are not of the catalogue become INTERNAL with a fixed text; their cause goes to the log under
 * the incident id.
 */
export const toStatus = (thrown: unknown, domain: string, incidentId: string): MappedStatus => {
  const known = thrown instanceof AppError ? reasonOf(domain, thrown.reason) : undefined;
  const error = thrown instanceof AppError && known ? thrown : fail('INTERNAL', { incident_id: incidentId });
  const info = known ?? reasonOf(domain, 'INTERNAL');
  const code = Status[(info?.code ?? 'INTERNAL') as keyof typeof Status];
  const message = cut(error.text ?? (info ? sentence(info, error) : error.reason));
  return { code, details: message, reason: error.reason, metadata: encode(error, { code, message, domain, action: info?.action ?? '' }) };
};

/** What a call failed with: its status, and the reason of the package `domain`. */
export type CallFailure = { code: Status; domain: string; reason: string; metadata: Record<string, string> };

/** The error that a call failed with, as a client sees it. */
export class CallError extends AppError {
  readonly code: Status;
  readonly domain: string;
  /** What the catalogue says to do. */
  readonly action: string;

  constructor({ code, domain, reason, metadata }: CallFailure, options: AppErrorOptions & { action?: string } = {}) {
    super(reason, metadata, options);
    this.name = 'CallError';
    this.action = options.action ?? '';
    this.code = code;
    this.domain = domain;
  }
}

const decodeDetails = (bytes: Buffer | undefined): AppErrorOptions & { info?: ErrorInfo; action?: string } => {
  const found: AppErrorOptions & { info?: ErrorInfo; action?: string } = {};
  for (const { typeUrl, value } of bytes ? RichStatus.decode(bytes).details : []) {
    if (typeUrl === `${TYPE_URL}ErrorInfo`) found.info = ErrorInfo.decode(value);
    if (typeUrl === `${TYPE_URL}BadRequest`)
      found.fields = BadRequest.decode(value).fieldViolations.map(({ field, description, reason }) => ({
        field,
        description,
        rule: reason,
      }));
    if (typeUrl === `${TYPE_URL}PreconditionFailure`) found.preconditions = PreconditionFailure.decode(value).violations;
    if (typeUrl === `${TYPE_URL}Help`) found.action = Help.decode(value).links[0]?.description ?? '';
    if (typeUrl === `${TYPE_URL}RetryInfo`) {
      const delay = RetryInfo.decode(value).retryDelay;
      if (delay) found.retryDelayMs = Number(delay.seconds) * 1000 + delay.nanos / 1_000_000;
    }
  }
  return found;
};

/** Reads the status of a failed call. */
export const fromServiceError = (error: ServiceError): CallError => {
  const bytes = error.metadata?.get(DETAILS_KEY)[0];
  const { info, ...options } = decodeDetails(Buffer.isBuffer(bytes) ? bytes : undefined);
  const reason = info?.reason ?? Status[error.code] ?? 'UNKNOWN';
  return new CallError(
    { code: error.code, domain: info?.domain ?? '', reason, metadata: info?.metadata ?? {} },
    { ...options, message: error.details, cause: error },
  );
};

const PASSED_ON: Partial<Record<Status, Reason>> = {
  [Status.UNAVAILABLE]: 'DEPENDENCY_UNAVAILABLE',
  [Status.DEADLINE_EXCEEDED]: 'DEPENDENCY_UNAVAILABLE',
  [Status.CANCELLED]: 'CANCELLED',
};

/** What the caller of a service hears when a service behind it fails: away stays away, anything else is a defect of ours. */
export const passOn = (error: unknown, dependency: string): unknown => {
  if (!(error instanceof CallError)) return error;
  const reason = PASSED_ON[error.code];
  return reason ? fail(reason, { dependency }, { cause: error }) : error;
};

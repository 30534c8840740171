import { pino, type DestinationStream, type Logger } from 'pino';

// Only these keys reach a log line; whatever else is passed is left out, so that no value can slip in under a new name.
const ALLOWED = new Set(
  (
    'service method code reason durationMs actor traceId incidentId error stack dependency worker event address port runId stage attempt state ' +
    'segment table rowCount sizeBytes consumer count signal version limit wall missing defect'
  ).split(' '),
);

const allow = (fields: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).filter(([key]) => ALLOWED.has(key)));

/** A JSON logger with an allow-list of keys. Messages are fixed sentences. */
export const createLogger = (service: string, level: string, destination?: DestinationStream): Logger =>
  pino({ base: { service }, level, formatters: { log: allow, bindings: allow }, timestamp: pino.stdTimeFunctions.isoTime }, destination);

import { framesOf } from '@lethe/contracts/frames';
import { randomUUID } from 'node:crypto';
import type { CallContext } from '../context.ts';
import { AppError, CallError, toStatus } from '../errors.ts';

// Of a defect the log keeps where it happened, never its text: driver errors quote values.
const describe = (error: unknown): { error: string; stack: string } => {
  if (!(error instanceof Error)) return { error: typeof error, stack: '' };
  const code = (error as { code?: unknown }).code;
  const isCode = typeof code === 'number' || (typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code));
  const reason = error instanceof AppError ? error.reason : '';
  return {
    error: [error.constructor.name, isCode ? String(code) : '', reason].filter(Boolean).join(' '),
    stack: framesOf(error).slice(0, 8).join('\n'),
  };
};

/** Turns an error of a library, such as a database driver's, into one of the catalogue; returns anything else as it is. */
export type ErrorMapper = (error: unknown) => unknown;

/** Maps what the inner layers throw to a status. Anything that is not of the catalogue is a defect: a fixed text for the client, the place for the log. */
export const errors =
  (mapError: ErrorMapper) =>
  async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
    try {
      return await next();
    } catch (error) {
      const incidentId = randomUUID();
      const mapped = toStatus(mapError(error), ctx.method.domain, incidentId);
      if (mapped.reason === 'INTERNAL')
        ctx.log.error({ incidentId, ...describe(error), ...(error instanceof CallError ? { dependency: error.domain } : {}) }, 'defect');
      throw mapped;
    }
  };

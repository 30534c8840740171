// The one order of the middleware, outermost first.
import { admission, type Admission } from './middleware/admission.ts';
import { audit, type AuditSink } from './middleware/audit.ts';
import { authenticate, type Authenticator } from './middleware/authenticate.ts';
import { authorize } from './middleware/authorize.ts';
import { deadline } from './middleware/deadline.ts';
import { errors, type ErrorMapper } from './middleware/errors.ts';
import { log } from './middleware/log.ts';
import { trace } from './middleware/trace.ts';
import { validate } from './middleware/validate.ts';
import type { CallContext } from './context.ts';

/** One concern of every call. `next` runs the rest and returns the response message; for a stream, when it has ended. */
export type Middleware = (ctx: CallContext, next: () => Promise<unknown>) => Promise<unknown>;

/** What the chain needs from its service. */
export type ChainDependencies = { authenticator: Authenticator; auditSink: AuditSink; admission: Admission; mapError: ErrorMapper };

/** The middleware by name, outermost first. The log sees the mapped status; audit sits outside authorize, so that denials are recorded. */
export const chain = (dependencies: ChainDependencies): [name: string, middleware: Middleware][] => [
  ['trace', trace],
  ['log', log],
  ['errors', errors(dependencies.mapError)],
  ['deadline', deadline],
  ['admission', admission(dependencies.admission)],
  ['authenticate', authenticate(dependencies.authenticator)],
  ['audit', audit(dependencies.auditSink)],
  ['authorize', authorize],
  ['validate', validate],
];

/** Folds the chain around a handler. */
export const compose =
  (middleware: readonly Middleware[], handler: (ctx: CallContext) => Promise<unknown>) =>
  (ctx: CallContext): Promise<unknown> =>
    middleware.reduceRight<() => Promise<unknown>>(
      (next, layer) => () => layer(ctx, next),
      () => handler(ctx),
    )();

import { context, propagation, SpanKind, SpanStatusCode, trace as otel } from '@opentelemetry/api';
import { randomBytes } from 'node:crypto';
import type { CallContext } from '../context.ts';

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

const incoming = (ctx: CallContext): string => {
  const value = ctx.metadata.get('traceparent')[0];
  return typeof value === 'string' && TRACEPARENT.test(value)
    ? value
    : `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
};

/** Continues the caller's W3C trace, or begins one; a span leaves the process only where an exporter is configured. */
export const trace = async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
  ctx.traceparent = incoming(ctx);
  const parent = propagation.extract(context.active(), { traceparent: ctx.traceparent });
  const span = otel.getTracer('lethe').startSpan(ctx.method.fullName, { kind: SpanKind.SERVER }, parent);
  const own = span.spanContext();
  if (otel.isSpanContextValid(own)) ctx.traceparent = `00-${own.traceId}-${own.spanId}-0${own.traceFlags & 1}`;
  ctx.log = ctx.log.child({ traceId: ctx.traceparent.split('-')[1] });
  try {
    return await next();
  } catch (error) {
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
};

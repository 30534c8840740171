// Loaded by `--import` before a service: spans leave the process where an OTLP endpoint is set, and nothing is loaded where none is.
import { onFlush } from './flush.ts';

if (process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] !== undefined) {
  const { NodeSDK } = await import('@opentelemetry/sdk-node');
  const sdk = new NodeSDK({ instrumentations: [] });
  sdk.start();
  onFlush(() => sdk.shutdown());
}

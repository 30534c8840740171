// Writes gen/callers.ts: who may call each method, as a type, so that a handler's context has the caller that its policy lets in.
import { writeFileSync } from 'node:fs';
import { codeName, methodsOf, services } from './registry.ts';

const lines = services().map((service) => {
  const methods = [...methodsOf(service).values()].map(({ name, policy }) => `    ${codeName(name)}: '${policy.callers}';`);
  return [`  '${service.typeName}': {`, ...methods, '  };'].join('\n');
});
const text = ['// Made from the policies of the proto files. DO NOT EDIT.', 'export type Callers = {', ...lines, '};', ''].join('\n');
writeFileSync(new URL('../gen/callers.ts', import.meta.url), text);

// Where things are in the checkout.
import type { Noun } from '@lethe/contracts/nouns';
import { fileURLToPath } from 'node:url';

/** The root of the checkout, without a trailing slash. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url)).replace(/\/$/, '');

/** The folder of each service. */
export const SERVICE_FOLDERS: Record<Noun, string> = {
  user: 'user-manager',
  audit: 'audit-logger',
  script: 'script-manager',
  extdatamodule: 'ext-datamodule-manager',
  task: 'etl-task-manager',
  data: 'data-manager',
};

import type { Missing } from '@lethe/contracts/gen/lethe/task/v1/task';

/** Something that a release needs and does not have. */
export const missing = (type: string, subject: string, description: string): Missing => ({ type, subject, description });

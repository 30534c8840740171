import { Missing_Kind, type Missing } from '@lethe/contracts/gen/lethe/task/v1/task';

/** The kinds of what a release lacks, by name. */
export type MissingKind = Exclude<keyof typeof Missing_Kind, 'UNSPECIFIED'>;

/** Something that a release needs and does not have. */
export const missing = (kind: MissingKind, subject: string, description: string): Missing => ({
  kind: Missing_Kind[kind],
  type: kind,
  subject,
  description,
});

// The six services, by the noun of their package.

/** The nouns of the six services, in the order in which they start. */
export const NOUNS = ['user', 'audit', 'script', 'extdatamodule', 'task', 'data'] as const;
export type Noun = (typeof NOUNS)[number];

/** The full names of the six services. */
export const SERVICE_NAMES = {
  user: 'lethe.user.v1.UserManager',
  script: 'lethe.script.v1.ScriptManager',
  extdatamodule: 'lethe.extdatamodule.v1.ExtDatamoduleManager',
  task: 'lethe.task.v1.EtlTaskManager',
  data: 'lethe.data.v1.DataManager',
  audit: 'lethe.audit.v1.AuditLogger',
} as const satisfies Record<Noun, string>;

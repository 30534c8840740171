import type { Noun } from '@lethe/local/provision';

/** The full names of the six services. */
export const SERVICE_NAMES: Record<Noun, string> = {
  user: 'lethe.user.v1.UserManager',
  script: 'lethe.script.v1.ScriptManager',
  extdatamodule: 'lethe.extdatamodule.v1.ExtDatamoduleManager',
  task: 'lethe.task.v1.EtlTaskManager',
  data: 'lethe.data.v1.DataManager',
  audit: 'lethe.audit.v1.AuditLogger',
};

/** Which records a caller may see: all, or their own actions and those of some groups. */
export type Visibility = { all: true } | { all: false; userId: string; groupIds: string[] };

/** Whether a caller may see a record. */
export const isVisible = (visibility: Visibility, record: { actorId: string; onBehalfOf: string; groupId: string | null }): boolean =>
  visibility.all ||
  record.actorId === visibility.userId ||
  record.onBehalfOf === visibility.userId ||
  (record.groupId !== null && visibility.groupIds.includes(record.groupId));

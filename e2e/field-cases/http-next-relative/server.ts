import type { Respond } from '../../support/field-server.ts';

const rows = Array.from({ length: 25 }, (_, id) => ({ id, note: `n${id}` }));

export const respond: Respond = ({ parameters }) => {
  const page = Number(parameters.get('p') ?? 0);
  return { body: { d: rows.slice(page * 10, page * 10 + 10), next: page < 2 ? `/items?p=${page + 1}` : null } };
};

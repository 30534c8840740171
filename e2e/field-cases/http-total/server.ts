import type { Respond } from '../../support/field-server.ts';

const rows = Array.from({ length: 25 }, (_, id) => ({ id, note: `n${id}` }));

export const respond: Respond = ({ parameters }) => {
  const first = Number(parameters.get('o') ?? 0);
  return { body: { total: 25, d: rows.slice(first, first + 10) } };
};

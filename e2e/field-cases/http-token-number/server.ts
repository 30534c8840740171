import type { Respond } from '../../support/field-server.ts';

const rows = Array.from({ length: 25 }, (_, id) => ({ id, note: `n${id}` }));

export const respond: Respond = ({ parameters }) => {
  const first = Number(parameters.get('t') ?? 0);
  return { body: { d: rows.slice(first, first + 10), next: first < 20 ? first + 10 : undefined } };
};

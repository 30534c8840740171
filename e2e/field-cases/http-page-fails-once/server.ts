import type { Respond } from '../../support/field-server.ts';

const rows = Array.from({ length: 25 }, (_, id) => ({ id, note: `n${id}` }));

export const respond: Respond = ({ parameters, times }) => {
  const page = Number(parameters.get('page'));
  return page === 2 && times === 1 ? { status: 500, body: {} } : { body: rows.slice((page - 1) * 10, page * 10) };
};

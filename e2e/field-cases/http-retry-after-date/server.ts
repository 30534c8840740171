import type { Respond } from '../../support/field-server.ts';

const rows = Array.from({ length: 25 }, (_, id) => ({ id, note: `n${id}` }));

export const respond: Respond = ({ parameters, times }) => {
  const page = Number(parameters.get('page'));
  if (page !== 2 || times > 1) return { body: rows.slice((page - 1) * 10, page * 10) };
  return { status: 429, headers: { 'retry-after': new Date(Date.now() + 2_000).toUTCString() }, body: {} };
};

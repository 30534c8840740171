import type { Respond } from '../../support/field-server.ts';

const rows = Array.from({ length: 25 }, (_, id) => ({ id, note: `n${id}` }));

export const respond: Respond = ({ path }) =>
  path === '/items' ? { status: 302, headers: { location: '/other' }, body: '' } : { body: rows };

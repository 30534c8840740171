import type { Respond } from '../../support/field-server.ts';

const rows = Array.from({ length: 25 }, (_, id) => ({ id, note: `n${id}` }));

export const respond: Respond = () => ({ body: { d: rows.slice(0, 10), next: 'http://example.com/items' } });

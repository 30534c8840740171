import type { Respond } from '../../support/field-server.ts';

const rows = Array.from({ length: 25 }, (_, id) => ({ id, note: `n${id}` }));

let last = 0;
export const respond: Respond = () => ({ body: rows.map((row) => ({ ...row, id: (last += 1) })) });

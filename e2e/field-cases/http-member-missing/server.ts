import type { Respond } from '../../support/field-server.ts';

export const respond: Respond = () => ({ body: [{ id: 1 }, { id: 2, note: 'b' }] });

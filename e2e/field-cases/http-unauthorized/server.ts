import type { Respond } from '../../support/field-server.ts';

export const respond: Respond = () => ({ status: 401, body: {} });

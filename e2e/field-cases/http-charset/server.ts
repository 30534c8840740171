import type { Respond } from '../../support/field-server.ts';

export const respond: Respond = () => ({
  headers: { 'content-type': 'application/json; charset=ISO-8859-1' },
  body: Buffer.from('[{"id":1,"note":"é"}]', 'latin1'),
});

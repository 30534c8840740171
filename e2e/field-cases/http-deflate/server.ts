import { deflateSync } from 'node:zlib';
import type { Respond } from '../../support/field-server.ts';

export const respond: Respond = () => ({ headers: { 'content-encoding': 'deflate' }, body: deflateSync('[{"id":1,"note":"a"}]') });

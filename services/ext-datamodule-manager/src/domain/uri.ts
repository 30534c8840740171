// An address with credentials, split into settings and secrets.
import { connectionType, type ConnectionType } from '@lethe/module/connection-types';

/** The parts of a connection's address. */
export type SplitUri = { settings: Record<string, unknown>; secret: Record<string, string> };

const splitPostgres = (url: URL): SplitUri | undefined => {
  const database = decodeURIComponent(url.pathname.replace(/^\//, ''));
  const user = decodeURIComponent(url.username);
  if (!/^postgres(?:ql)?:$/.test(url.protocol) || database === '' || user === '' || url.hostname === '') return undefined;
  const tls = url.searchParams.get('sslmode');
  return {
    settings: {
      host: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      database,
      user,
      ...(tls === null ? {} : { tls: tls === 'require' || tls === 'verify-full' ? tls : 'disable' }),
    },
    secret: url.password === '' ? {} : { password: decodeURIComponent(url.password) },
  };
};

const splitHttp = (url: URL): SplitUri | undefined => {
  if (!/^https?:$/.test(url.protocol) || url.username !== '') return undefined;
  const token = decodeURIComponent(url.password);
  return { settings: { baseUrl: `${url.protocol}//${url.host}${url.pathname}`.replace(/\/$/, '') }, secret: token === '' ? {} : { token } };
};

// A type without an entry has no addresses with credentials.
const SPLITS: Record<ConnectionType, ((url: URL) => SplitUri | undefined) | undefined> = {
  postgres: splitPostgres,
  file: undefined,
  http: splitHttp,
};

/** Splits an address of the type; undefined where it cannot be read. */
export const splitUri = (type: string, uri: string): SplitUri | undefined => {
  const known = connectionType(type);
  try {
    return known && SPLITS[known]?.(new URL(uri));
  } catch {
    return undefined;
  }
};

// An address with credentials, split into settings and secrets.

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

/** Splits an address of the type; undefined where it cannot be read. */
export const splitUri = (type: string, uri: string): SplitUri | undefined => {
  try {
    const url = new URL(uri);
    if (type === 'postgres') return splitPostgres(url);
    if (type === 'http') return splitHttp(url);
    return undefined;
  } catch {
    return undefined;
  }
};

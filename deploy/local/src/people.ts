// The seeded people's personal tokens, kept under the state folder: made once each, by a real sign-in.
import type { LocalProvider } from './oidc.ts';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ACCOUNTS, type Person } from './accounts.ts';
import { connectClients, type Clients } from '@lethe/grpc/clients';
import type { Noun } from '@lethe/contracts/nouns';
import { signIn } from './sign-in.ts';

const TOKEN_DAYS = 365;
const SCOPES = [
  'user.*',
  'group.*',
  'member.*',
  'access.*',
  'token.*',
  'notification.*',
  'script.*',
  'connection.*',
  'module.*',
  'task.*',
  'run.*',
  'entry.*',
  'row.*',
  'audit.*',
];

/** Somebody at work: id and clients. */
export type Worker = Clients & { id: string; token: string };

const isValid = async (clients: Clients): Promise<string | undefined> => {
  try {
    return (await clients.user.getUser({})).user?.id;
  } catch {
    return undefined;
  }
};

/** Where tokens are kept, and where people sign in without one. */
export type SignInPlace = {
  folder: string;
  addresses: Record<Noun, string>;
  provider: Pick<LocalProvider, 'issuer' | 'password'>;
  redirectUri: string;
};

/** A person's clients with a kept token, or with a new one. */
const openPerson = async (person: Person, { folder, addresses, provider, redirectUri }: SignInPlace): Promise<Worker> => {
  const file = join(folder, person);
  if (existsSync(file)) {
    const token = readFileSync(file, 'utf8').trim();
    const clients = connectClients(addresses, token);
    const id = await isValid(clients);
    if (id !== undefined) return { ...clients, id, token };
    clients.close();
  }
  const signedIn = connectClients(addresses, await signIn(provider.issuer, redirectUri, { subject: person, password: provider.password }));
  const { user } = await signedIn.user.getUser({});
  const { secret } = await signedIn.user.createToken({
    displayName: 'local',
    scopes: SCOPES,
    ttl: { seconds: BigInt(TOKEN_DAYS * 86_400), nanos: 0 },
  });
  signedIn.close();
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return { ...connectClients(addresses, secret), id: user?.id ?? '', token: secret };
};

/** All seeded people. */
export const openPeople = async (place: SignInPlace): Promise<Record<Person, Worker>> => {
  const people = {} as Record<Person, Worker>;
  for (const { subject } of ACCOUNTS) people[subject as Person] = await openPerson(subject as Person, place);
  return people;
};

/** The tokens that were kept, for commands against a running stack. */
export const readTokens = (folder: string): Record<Person, string> =>
  Object.fromEntries(ACCOUNTS.map(({ subject }) => [subject, readFileSync(join(folder, subject), 'utf8').trim()])) as Record<
    Person,
    string
  >;

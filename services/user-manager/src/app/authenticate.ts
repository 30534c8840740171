import { User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Store } from '@lethe/db/open';
import type { Config } from '../config.ts';
import type { Tables } from '../store/tables.ts';
import { accessView } from './access-view.ts';
import { unauthenticated } from './credential.ts';
import { isPersonalToken, readPersonalToken } from './personal-token.ts';
import { signInWith } from './sign-in.ts';
import { userView } from './views.ts';

/** Makes the function that turns a bearer token into its user, scopes and rights; throws UNAUTHENTICATED. */
export const authenticateWith = (
  store: Store<Tables>,
  config: Config,
  now: () => Date,
): ((token: string) => Promise<AuthenticateResponse>) => {
  const signIn = signInWith(store, config, now);
  return async (token) => {
    const credential = await (isPersonalToken(token) ? readPersonalToken(store, token, now()) : signIn(token));
    if (credential.user.state !== User_State.ACTIVE) throw unauthenticated();
    const { user, scopes, tokenId, expireTime } = credential;
    return { user: userView(user), access: await accessView(store, config, user.id, now()), scopes, tokenId, expireTime };
  };
};

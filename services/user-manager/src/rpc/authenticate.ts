import type { AuthenticateRequest, AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { CallContext } from '@lethe/grpc/context';
import type { Deps } from '../app/deps.ts';

/** The user of a bearer token, with scopes and rights. */
export const authenticate =
  (deps: Deps) =>
  async (request: AuthenticateRequest, ctx: CallContext): Promise<AuthenticateResponse> =>
    deps.authenticate(request.token, ctx);

import type { AuthenticateRequest, AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { CallContext } from '@lethe/grpc/context';
import type { Deps } from '../app/deps.ts';

/** Who a bearer token stands for. */
export const authenticate =
  (deps: Deps) =>
  async (request: AuthenticateRequest, ctx: CallContext): Promise<AuthenticateResponse> =>
    deps.authenticate(request.token, ctx);

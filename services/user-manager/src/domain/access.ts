// The states of an access request.
import { AccessRequest_State as State } from '@lethe/contracts/gen/lethe/user/v1/access';

/** The state at a time: an approved access past its end has expired, whether or not it is marked so. */
export const stateAt = (state: State, expireTime: Date | null, now: Date): State =>
  state === State.APPROVED && expireTime !== null && expireTime <= now ? State.EXPIRED : state;

/** Whether the caller may decide for this user: nobody decides for themselves. */
export const mayDecide = (deciderId: string, userId: string): boolean => deciderId !== userId;

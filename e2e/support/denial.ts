import { CallError } from '@lethe/grpc/errors';

/** The error that a call fails with; the test fails where it goes through. */
export const denial = async (call: Promise<unknown>): Promise<CallError> => {
  try {
    await call;
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error('the call went through');
};

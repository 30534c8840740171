import { EngineError } from './engine-error.ts';
import { ENGINE_LIMITS } from './limits.ts';

/** Reads csv files with the usual buffers, and where they cannot be read so, once more with buffers for the longest lines. */
export const withLongLines = async <T>(read: (lineBytes: number) => Promise<T>): Promise<T> => {
  try {
    return await read(ENGINE_LIMITS.csvLineBytes);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'ENGINE_CONVERSION') throw error;
    return read(ENGINE_LIMITS.longLineBytes);
  }
};

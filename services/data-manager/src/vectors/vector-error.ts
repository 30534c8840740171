/** Cases, or options of the command, that cannot be run. */
export class VectorError extends Error {
  override name = 'VectorError';
}

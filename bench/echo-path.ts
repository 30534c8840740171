/** The one method of the echo server. */
export const ECHO_PATH = '/lethe.bench.v1.Echo/Echo';

/** What keeps scripts apart on this machine. Without deno, scripts are refused. */
export type Isolation = { deno: string | undefined; prlimit: boolean };

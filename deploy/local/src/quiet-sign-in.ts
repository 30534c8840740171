// The sign-in server warns that it keeps its state in memory, which is what the local stack wants; the terminal is for the launcher.
const { warn } = console;

console.warn = (...values: unknown[]): void => {
  if (!String(values[0]).includes('oidc-provider WARNING')) warn(...values);
};

// The only place that reads the environment.
type Raw = Readonly<Record<string, string | undefined>>;

/** Reads settings from an environment; a missing or malformed one is an error that names it. */
export type Env = {
  text: (name: string, fallback?: string) => string;
  integer: (name: string, fallback: number) => number;
  flag: (name: string) => boolean;
  list: (name: string) => string[];
};

/** The settings in an environment. */
export const readEnv = (raw: Raw): Env => ({
  text: (name, fallback) => {
    const value = raw[name] ?? fallback;
    if (value === undefined) throw new Error(`The setting ${name} is missing`);
    return value;
  },
  integer: (name, fallback) => {
    const value = raw[name];
    if (value === undefined || value === '') return fallback;
    if (!/^-?\d{1,15}$/.test(value)) throw new Error(`The setting ${name} is not an integer`);
    return Number(value);
  },
  flag: (name) => ['1', 'true', 'yes', 'on'].includes((raw[name] ?? '').toLowerCase()),
  list: (name) =>
    (raw[name] ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
});

/** The settings of this process. */
export const processEnv = (): Env => readEnv(process.env);

/** The name of an enum's value, without prefix; the number as text where the enum has no such value. */
export const enumName = <E extends Record<string, number>>(values: E, value: E[keyof E]): string =>
  Object.entries(values).find(([, candidate]) => candidate === value)?.[0] ?? String(value);

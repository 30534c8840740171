// Typed parameters of scripts.
import { Parameter_Type as Type, type Parameter } from '@lethe/contracts/gen/lethe/script/v1/script';

const isInt64 = (text: string): boolean => /^-?\d{1,19}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text);

/** Whether a text is a day of the calendar, YYYY-MM-DD from year 1 on. */
const isDay = (text: string): boolean => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text) || text.startsWith('0000')) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
};

const FORMS: Record<Type, (text: string) => boolean> = {
  [Type.UNSPECIFIED]: () => false,
  [Type.STRING]: (text) => text.length <= 10_000,
  [Type.INTEGER]: isInt64,
  [Type.DECIMAL]: (text) => /^-?\d{1,28}(?:\.\d{1,28})?$/.test(text),
  [Type.BOOLEAN]: (text) => text === 'true' || text === 'false',
  [Type.DATE]: isDay,
};

/** Whether a value is one of the type. */
export const isOfType = (type: Type, value: string): boolean => FORMS[type](value);

/** Fills parameters: the given values over the defaults. Returns the values, or the names that are unknown, missing, or of another type. */
export const fillParameters = (
  declared: readonly Parameter[],
  given: Record<string, string>,
): { values: Record<string, string> } | { invalid: string[] } => {
  const unknown = Object.keys(given).filter((name) => !declared.some((parameter) => parameter.name === name));
  // A parameter may have a name that every object has, as `constructor`.
  const sent = new Map(Object.entries(given));
  const isWrong = ({ name, type, required }: Parameter): boolean => {
    const value = sent.get(name);
    return value === undefined ? required : !isOfType(type, value);
  };
  const wrong = declared.filter(isWrong).map(({ name }) => name);
  if (unknown.length > 0 || wrong.length > 0) return { invalid: [...unknown, ...wrong] };
  return { values: Object.fromEntries(declared.map(({ name, defaultValue }) => [name, sent.get(name) ?? defaultValue])) };
};

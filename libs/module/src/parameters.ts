// Typed parameters of scripts.
import { Parameter_Type as Type, type Parameter } from '@lethe/contracts/gen/lethe/script/v1/script';

const FORMS: Record<number, RegExp> = {
  [Type.STRING]: /^[\s\S]{0,10000}$/,
  [Type.INTEGER]: /^-?\d{1,18}$/,
  [Type.DECIMAL]: /^-?\d{1,28}(?:\.\d{1,28})?$/,
  [Type.BOOLEAN]: /^(?:true|false)$/,
  [Type.DATE]: /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/,
};

/** Whether a value has the type's form. */
export const isOfType = (type: Type, value: string): boolean => FORMS[type]?.test(value) ?? false;

/** Fills parameters: the given values over the defaults. Returns the values, or the names that are unknown, missing, or of another type. */
export const fillParameters = (
  declared: readonly Parameter[],
  given: Record<string, string>,
): { values: Record<string, string> } | { invalid: string[] } => {
  const unknown = Object.keys(given).filter((name) => !declared.some((parameter) => parameter.name === name));
  const wrong = declared
    .filter(({ name, type, required }) => (given[name] === undefined ? required : !isOfType(type, given[name])))
    .map(({ name }) => name);
  if (unknown.length > 0 || wrong.length > 0) return { invalid: [...unknown, ...wrong] };
  return { values: Object.fromEntries(declared.map(({ name, defaultValue }) => [name, given[name] ?? defaultValue])) };
};

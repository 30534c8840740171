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

/** What is wrong with declared parameters: names twice or malformed, types missing, defaults of another type. Answers path and sentence. */
export const checkDeclarations = (parameters: readonly Parameter[]): { field: string; message: string }[] => {
  const problems: { field: string; message: string }[] = [];
  const seen = new Set<string>();
  parameters.forEach(({ name, type, defaultValue, required }, index) => {
    const field = `parameters[${index}]`;
    if (!/^[A-Za-z]\w{0,62}$/.test(name))
      problems.push({ field: `${field}.name`, message: 'a name has letters, digits and _, and begins with a letter' });
    if (seen.has(name)) problems.push({ field: `${field}.name`, message: 'the name occurs twice' });
    seen.add(name);
    if (type === Type.UNSPECIFIED) problems.push({ field: `${field}.type`, message: 'a type is required' });
    else if (!required && !isOfType(type, defaultValue))
      problems.push({ field: `${field}.default_value`, message: 'the default is not of the type' });
  });
  return problems;
};

/** Fills parameters: the given values over the defaults. Answers the values, or the names that are unknown, missing, or of another type. */
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

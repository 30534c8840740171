// Declarations of the parameters of scripts.
import { Parameter_Type as Type, type Parameter } from '@lethe/contracts/gen/lethe/script/v1/script';
import { isOfType } from '@lethe/module/parameters';

/** What is wrong with declared parameters: names twice or malformed, types missing, defaults of another type. Returns path and sentence. */
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

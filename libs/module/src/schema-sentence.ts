// What a JSON Schema asks for, in a sentence.
import type { ErrorObject } from 'ajv/dist/2020.js';

/** The library's message, with the values that are allowed where there is a list of them. */
export const schemaSentence = ({ keyword, message, params }: ErrorObject): string => {
  const { allowedValues, additionalProperty } = params as { allowedValues?: unknown[]; additionalProperty?: unknown };
  if (allowedValues !== undefined) return `must be one of ${allowedValues.map((value) => JSON.stringify(value)).join(', ')}`;
  return `${message ?? keyword}${typeof additionalProperty === 'string' ? ` (${additionalProperty})` : ''}`;
};

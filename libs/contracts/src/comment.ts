// The comments of the contract, for the pages that are made of it.
import type { DescEnum, DescEnumValue, DescFile, DescMethod } from '@bufbuild/protobuf';

// Numbers of the fields that make a path to a comment: the enums of a file and their values, the services and their methods.
const ENUM_FIELD = 5;
const VALUE_FIELD = 2;
const SERVICE_FIELD = 6;
const METHOD_FIELD = 2;

const commentAt = (file: DescFile, path: number[]): string => {
  const location = file.proto.sourceCodeInfo?.location.find((candidate) => candidate.path.join('.') === path.join('.'));
  return (location?.leadingComments ?? '').trim().replaceAll(/\s+/g, ' ');
};

/** The comment of a value of an enum that stands at the top of its file, in one line; empty without one. */
export const commentOf = (type: DescEnum, value: DescEnumValue): string =>
  commentAt(type.file, [ENUM_FIELD, type.file.proto.enumType.indexOf(type.proto), VALUE_FIELD, type.values.indexOf(value)]);

/** The comment of a method, in one line; empty without one. */
export const commentOfMethod = (method: DescMethod): string => {
  const { file, methods, proto } = method.parent;
  return commentAt(file, [SERVICE_FIELD, file.proto.service.indexOf(proto), METHOD_FIELD, methods.indexOf(method)]);
};

// The comments of the contract, for the pages that are made of it.
import type { DescEnum, DescEnumValue } from '@bufbuild/protobuf';

// Numbers of the fields that make a path to a comment: the enums of a file, the values of an enum.
const ENUM_FIELD = 5;
const VALUE_FIELD = 2;

/** The comment of a value of an enum that stands at the top of its file, in one line; empty without one. */
export const commentOf = (type: DescEnum, value: DescEnumValue): string => {
  const path = [ENUM_FIELD, type.file.proto.enumType.indexOf(type.proto), VALUE_FIELD, type.values.indexOf(value)];
  const location = type.file.proto.sourceCodeInfo?.location.find((candidate) => candidate.path.join('.') === path.join('.'));
  return (location?.leadingComments ?? '').trim().replaceAll(/\s+/g, ' ');
};

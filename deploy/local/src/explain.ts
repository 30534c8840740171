// An error of buf curl in words: it prints the details of a status as base64.
import { BadRequest, ErrorInfo, Help, PreconditionFailure, RetryInfo } from '@lethe/contracts/gen/google/rpc/status';

type Detail = { type: string; value: string };

const lines = ({ type, value }: Detail): string[] => {
  const bytes = Buffer.from(value, 'base64');
  switch (type) {
    case 'google.rpc.ErrorInfo': {
      const { reason, domain, metadata } = ErrorInfo.decode(bytes);
      return [`reason: ${reason} (${domain})`, ...Object.entries(metadata).map(([key, text]) => `  ${key}: ${text}`)];
    }
    case 'google.rpc.BadRequest':
      return BadRequest.decode(bytes).fieldViolations.map(({ field, description, reason }) => `field ${field}: ${description} (${reason})`);
    case 'google.rpc.PreconditionFailure':
      return PreconditionFailure.decode(bytes).violations.map(
        (violation) => `${violation.type} ${violation.subject}: ${violation.description}`,
      );
    case 'google.rpc.Help':
      return Help.decode(bytes).links.map(({ description }) => `what to do: ${description}`);
    case 'google.rpc.RetryInfo': {
      const { seconds = 0n, nanos = 0 } = RetryInfo.decode(bytes).retryDelay ?? {};
      return [`try again after: ${Number(seconds) + nanos / 1e9} s`];
    }
    default:
      return [];
  }
};

/** The text of an error of buf curl; what is none comes back as it is. */
export const explain = (text: string): string => {
  try {
    const { code, message, details = [] } = JSON.parse(text) as { code: string; message: string; details?: Detail[] };
    return `${[`${code}: ${message}`, ...details.flatMap(lines)].join('\n')}\n`;
  } catch {
    return text;
  }
};

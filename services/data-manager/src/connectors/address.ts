// Resolves a host once, checks what it resolves to, and returns the one address to connect to.
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { stageError } from '../domain/run-error.ts';

type Subnet = [network: string, prefix: number, family: 'ipv4' | 'ipv6'];

const listOf = (subnets: readonly Subnet[]): BlockList => {
  const list = new BlockList();
  for (const [network, prefix, family] of subnets) list.addSubnet(network, prefix, family);
  return list;
};

// Of the machine's own links, and of its cloud's metadata service: never a target, whatever the settings say.
const LINK_LOCAL = listOf([
  ['169.254.0.0', 16, 'ipv4'],
  ['fe80::', 10, 'ipv6'],
]);

// What is no public host (IANA's special-purpose registries for IPv4 and IPv6).
const PRIVATE = listOf([
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 127, 'ipv6'],
  ['100::', 64, 'ipv6'],
  ['2001::', 23, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['fec0::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
]);

/** The 16 bytes of an IPv6 address. */
const ipv6Bytes = (address: string): number[] => {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address.replace(/%.*$/, ''));
  const plain = dotted
    ? `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`
    : address.replace(/%.*$/, '');
  const [head = '', tail] = plain.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const [left, right] = [groups(head), tail === undefined ? [] : groups(tail)];
  const all = tail === undefined ? left : [...left, ...Array.from({ length: 8 - left.length - right.length }, () => '0'), ...right];
  return all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
};

const startsWith = (bytes: readonly number[], prefix: readonly number[]): boolean => prefix.every((byte, index) => bytes[index] === byte);
const ZEROS = (count: number): number[] => Array.from({ length: count }, () => 0);

/** The IPv4 address inside an IPv6 one: mapped, compatible, NAT64 (RFC 6052, RFC 8215) or 6to4 (RFC 3056). */
const embeddedIpv4 = (address: string): string | undefined => {
  const bytes = ipv6Bytes(address);
  const at = (start: number): string => bytes.slice(start, start + 4).join('.');
  if (startsWith(bytes, [...ZEROS(10), 255, 255])) return at(12);
  if (startsWith(bytes, ZEROS(12)) && bytes.slice(12).some((byte) => byte > 1)) return at(12);
  if (startsWith(bytes, [0, 0x64, 0xff, 0x9b, ...ZEROS(8)]) || startsWith(bytes, [0, 0x64, 0xff, 0x9b, 0, 1])) return at(12);
  if (startsWith(bytes, [0x20, 0x02])) return at(2);
  return undefined;
};

/** An address as it is judged: one that carries an IPv4 address is that one. */
const judged = (address: string): { address: string; family: 'ipv4' | 'ipv6' } => {
  if (isIP(address) !== 6) return { address, family: 'ipv4' };
  const embedded = embeddedIpv4(address);
  return embedded === undefined ? { address: address.replace(/%.*$/, ''), family: 'ipv6' } : { address: embedded, family: 'ipv4' };
};

/** Whether an address is loopback, private, link-local, multicast or otherwise not a public host. */
export const isPrivateAddress = (text: string): boolean => {
  const { address, family } = judged(text);
  return PRIVATE.check(address, family);
};

/** Which private addresses are targets. */
export type PrivateTargets = (address: string, port: number) => boolean;

/** The setting is not a list of networks. */
export class PrivateTargetsInvalid extends Error {
  override name = 'PrivateTargetsInvalid';
}

const RULE = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+))\/(\d{1,3})(?::(\d{1,5}))?$/i;

const readRule = (text: string): PrivateTargets => {
  const [, ipv6, ipv4, prefix, port] = RULE.exec(text) ?? [];
  const network = ipv6 ?? ipv4 ?? '';
  if (isIP(network) === 0 || Number(prefix) > (ipv6 === undefined ? 32 : 128))
    throw new PrivateTargetsInvalid(`LETHE_PRIVATE_TARGETS: ${text} is not <IPv4>/<prefix>[:port] or [<IPv6>]/<prefix>[:port]`);
  const family = ipv6 === undefined ? 'ipv4' : 'ipv6';
  const list = listOf([[network, Number(prefix), family]]);
  return (target, targetPort) => {
    const { address, family: targetFamily } = judged(target);
    return targetFamily === family && list.check(address, family) && (port === undefined || Number(port) === targetPort);
  };
};

/**
 * Reads `LETHE_PRIVATE_TARGETS`: networks, each with a port if only that is meant. Link-local addresses, and the ports of the installation itself
 * on any private address, are never targets.
 */
export const readPrivateTargets = (rules: readonly string[], ownPorts: ReadonlySet<number>): PrivateTargets => {
  const allowed = rules.map(readRule);
  return (target, port) => {
    const { address, family } = judged(target);
    if (LINK_LOCAL.check(address, family) || ownPorts.has(port)) return false;
    return allowed.some((rule) => rule(target, port));
  };
};

/** Resolves a host. Every address that it has must be a public one, or a private one that is a target; the first is the one to connect to. */
export const resolveTarget = async (host: string, port: number, isTarget: PrivateTargets): Promise<string> => {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  let addresses: string[];
  try {
    addresses = isIP(bare) ? [bare] : (await lookup(bare, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw stageError('HOST_UNKNOWN', {}, error);
  }
  const [first] = addresses;
  if (first === undefined) throw stageError('HOST_UNKNOWN');
  if (addresses.some((address) => isPrivateAddress(address) && !isTarget(address, port))) throw stageError('TARGET_PRIVATE');
  return first;
};

// Resolves a host once, checks what it resolves to, and returns the one address to connect to.
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { stageError } from '../domain/run-error.ts';

const blocked = new BlockList();
const SUBNETS: [network: string, prefix: number, family: 'ipv4' | 'ipv6'][] = [
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
  ['::', 128, 'ipv6'],
  ['::1', 128, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];
for (const [network, prefix, family] of SUBNETS) blocked.addSubnet(network, prefix, family);

/** Whether an address is loopback, private, link-local, multicast or otherwise not a public host. IPv4 in IPv6 clothes counts as IPv4. */
export const isPrivateAddress = (address: string): boolean => {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return blocked.check(mapped, 'ipv4');
  if (/^::ffff:/i.test(address)) return true;
  return blocked.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
};

/** Resolves a host. Every address that it has must be allowed; the first is the one to connect to. */
export const resolveTarget = async (host: string, allowPrivate: boolean): Promise<string> => {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  let addresses: string[];
  try {
    addresses = isIP(bare) ? [bare] : (await lookup(bare, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw stageError('HOST_UNKNOWN', {}, error);
  }
  const [first] = addresses;
  if (first === undefined) throw stageError('HOST_UNKNOWN');
  if (!allowPrivate && addresses.some(isPrivateAddress)) {
    throw stageError('TARGET_PRIVATE');
  }
  return first;
};

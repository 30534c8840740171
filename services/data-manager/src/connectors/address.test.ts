import { describe, expect, test } from 'vitest';
import { isPrivateAddress, readPrivateTargets, resolveTarget } from './address.ts';

const NONE = readPrivateTargets([], new Set());

describe('an address that is no public host', () => {
  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '169.254.169.254',
    '192.168.0.1',
    '172.31.255.255',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::1',
    '::',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fd00::1',
    'ff02::1',
    '2001:db8::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '::10.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b::169.254.169.254',
    '64:ff9b:1::7f00:1',
    '2002:7f00:1::',
    '2002:a9fe:a9fe::1',
    '2001:0:1::1',
  ])('%s', async (address) => {
    expect(isPrivateAddress(address)).toBe(true);
    await expect(resolveTarget(address, 80, NONE)).rejects.toMatchObject({ reason: 'TARGET_PRIVATE' });
  });
});

describe('a public host', () => {
  test.each(['9.9.9.9', '2620:fe::fe', '::ffff:9.9.9.9', '64:ff9b::909:909', '2002:909:909::1'])('%s', async (address) => {
    expect(isPrivateAddress(address)).toBe(false);
    expect(await resolveTarget(address, 443, NONE)).toBe(address);
  });
});

describe('LETHE_PRIVATE_TARGETS', () => {
  const targets = readPrivateTargets(['10.1.0.0/16', '127.0.0.0/8:5432', '[fd00::]/8:443', '169.254.0.0/16'], new Set([15_510]));

  test.each<[address: string, port: number, allowed: boolean]>([
    ['10.1.9.9', 80, true],
    ['10.2.0.1', 80, false],
    ['127.0.0.1', 5432, true],
    ['127.0.0.1', 80, false],
    ['::ffff:127.0.0.1', 5432, true],
    ['fd12::1', 443, true],
    ['fd12::1', 444, false],
    ['10.1.9.9', 15_510, false],
    ['169.254.169.254', 80, false],
    ['::ffff:169.254.169.254', 80, false],
  ])('%s on port %i: %s', (address, port, allowed) => {
    expect(targets(address, port)).toBe(allowed);
  });

  test.each(['10.1.0.0', '10.1.0.0/33', 'example.org/8', '10.1.0.0/16:', '[10.0.0.0]/8x'])('refuses %s at the start', (rule) => {
    expect(() => readPrivateTargets([rule], new Set())).toThrow('LETHE_PRIVATE_TARGETS');
  });
});

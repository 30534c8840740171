// Named places where a test may stop the process or make a step fail.
type Action = () => void | Promise<void>;
const armed = new Map<string, { action: Action; hitsLeft: number }>();

/** Arms a failpoint: `action` runs at its `hit`-th passing, once. */
export const armFailpoint = (name: string, action: Action, hit = 1): void => {
  armed.set(name, { action, hitsLeft: hit });
};

/** Disarms all failpoints. */
export const disarmFailpoints = (): void => armed.clear();

/** Arms from a setting, a list of `name`, `name:hit` or `name:hit:signal`: the process sends itself the signal there, SIGKILL by default. */
export const armKill = (setting: string): void => {
  for (const part of setting.split(',').filter((text) => text !== '')) {
    const [name = '', hit = '1', signal = 'SIGKILL'] = part.split(':');
    armFailpoint(name, () => void process.kill(process.pid, signal), Number(hit));
  }
};

/** A place before or after a transaction or an effect; nothing happens unless a test armed it. */
export const failpoint = async (name: string): Promise<void> => {
  const point = armed.get(name);
  if (!point) return;
  point.hitsLeft -= 1;
  if (point.hitsLeft > 0) return;
  armed.delete(name);
  await point.action();
};

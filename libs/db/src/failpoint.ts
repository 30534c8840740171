// Named places where a test may stop the process or make a step fail.
type Action = () => void | Promise<void>;
const armed = new Map<string, { action: Action; hitsLeft: number }>();

/** Arms a failpoint: `action` runs at its `hit`-th passing, once. */
export const armFailpoint = (name: string, action: Action, hit = 1): void => {
  armed.set(name, { action, hitsLeft: hit });
};

/** Disarms all failpoints. */
export const disarmFailpoints = (): void => armed.clear();

/** Arms from a setting, `name` or `name:hit`: the process kills itself there. Empty = none. */
export const armKill = (setting: string): void => {
  const [name, hit] = setting.split(':');
  if (name !== undefined && name !== '') armFailpoint(name, () => void process.kill(process.pid, 'SIGKILL'), Number(hit ?? 1));
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

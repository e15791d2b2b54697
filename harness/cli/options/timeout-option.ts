import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_TIMEOUTS, type Timeouts } from '../../implementations/process/timeouts.ts';
import { oneOf } from './values.ts';

const NAMES = Object.keys(DEFAULT_TIMEOUTS) as readonly (keyof Timeouts)[];

/** `--timeout start=10s,step=1s,...`: time limits of an implementation. */
export function timeoutOption(): Option {
  const defaults = NAMES.map((name) => `${name}=${DEFAULT_TIMEOUTS[name] / 1000}s`).join(',');
  return new Option('--timeout <list>', 'time limits of an implementation, such as start=30s,case=500ms')
    .argParser(parseTimeouts)
    .default(DEFAULT_TIMEOUTS, defaults);
}

function parseTimeouts(text: string, before: Timeouts): Timeouts {
  const timeouts: { [name: string]: number } = { ...before };
  for (const part of text.split(',')) {
    const [, name = '', number = '', unit] = /^([a-z]+)=(\d+(?:\.\d+)?)(ms|s|m)$/.exec(part) ?? [];
    const milliseconds = Number(number) * (unit === 'ms' ? 1 : unit === 's' ? 1000 : 60_000);
    if (name === '' || !(milliseconds > 0) || milliseconds >= 2 ** 31)
      throw new InvalidArgumentError(`Expected times such as start=10s,case=500ms, got '${part}'.`);
    timeouts[oneOf(NAMES, 'timeout')(name)] = milliseconds;
  }
  return timeouts as unknown as Timeouts;
}

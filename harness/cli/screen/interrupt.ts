import { EXIT, type StopSignal } from '../../user-error.ts';
import type { Terminal } from './terminal.ts';

export interface Interrupts {
  /** The first signal that arrived. */
  readonly signal: () => StopSignal | undefined;
  readonly release: () => void;
}

/**
 * The first SIGINT (Ctrl-C), SIGTERM or SIGHUP (a terminal that closes) requests a clean end through `onFirst`; a second
 * one ends the process at once.
 */
export function catchInterrupts({ err }: Terminal, onFirst: () => void = () => undefined): Interrupts {
  let first: StopSignal | undefined;
  const listener = (signal: StopSignal): void => {
    if (first !== undefined) process.exit(EXIT[signal]);
    first = signal;
    onFirst();
    err(`\n${signal}: saving what was found (repeat to stop at once)\n`);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, listener);
  return {
    signal: () => first,
    release() {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}

import { EXIT, type StopSignal } from '../../user-error.ts';
import type { Terminal } from './terminal.ts';

export interface Interrupts {
  /** The first signal that asked for the end. */
  readonly signal: () => StopSignal | undefined;
  readonly release: () => void;
}

/** Ctrl-C, SIGTERM and a terminal that closes (SIGHUP) ask for a clean end, and `onFirst` is told; a second one ends at once. */
export function catchInterrupts({ err }: Terminal, onFirst: () => void = () => undefined): Interrupts {
  let first: StopSignal | undefined;
  const listener = (signal: StopSignal): void => {
    if (first !== undefined) process.exit(EXIT[signal]);
    first = signal;
    onFirst();
    err(`\n${signal}: writing down what was found (once more to stop at once)\n`);
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

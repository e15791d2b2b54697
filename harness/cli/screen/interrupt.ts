import { EXIT } from '../../user-error.ts';
import type { Terminal } from './terminal.ts';

export interface Interrupts {
  /** The first signal that asked for the end. */
  readonly signal: () => 'SIGINT' | 'SIGTERM' | undefined;
  readonly release: () => void;
}

/** Ctrl-C and SIGTERM ask for a clean end, and `onFirst` is told; a second one ends at once. */
export function catchInterrupts({ err }: Terminal, onFirst: () => void = () => undefined): Interrupts {
  let first: 'SIGINT' | 'SIGTERM' | undefined;
  const listener = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (first !== undefined) process.exit(EXIT[signal]);
    first = signal;
    onFirst();
    err(`\n${signal}: writing down what was found (once more to stop at once)\n`);
  };
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, listener);
  return {
    signal: () => first,
    release() {
      for (const signal of signals) process.off(signal, listener);
    },
  };
}

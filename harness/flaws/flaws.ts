import type { Flaw } from './flaw.ts';
import { FLAWS_OF_CPUS } from './flaws-of-cpus.ts';
import { FLAWS_OF_KVM } from './flaws-of-kvm.ts';
import { FLAWS_OF_MEMORY } from './flaws-of-memory.ts';
import { FLAWS_OF_PLATFORM } from './flaws-of-platform.ts';
import { FLAWS_OF_SEAMCALLS } from './flaws-of-seamcalls.ts';

/**
 * The rows of the matrix, by number. Numbers that are missing belong to flaws that no case of this model can show;
 * reports/README.md has them, each with the reason.
 */
export const FLAWS: readonly Flaw[] = [
  ...FLAWS_OF_CPUS,
  ...FLAWS_OF_KVM,
  ...FLAWS_OF_MEMORY,
  ...FLAWS_OF_SEAMCALLS,
  ...FLAWS_OF_PLATFORM,
].sort((a, b) => a.number - b.number);
